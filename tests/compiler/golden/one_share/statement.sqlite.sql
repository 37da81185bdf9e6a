-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: $id
SELECT '{"share":' || (SELECT json_object('id', CAST(share_1.id AS TEXT), 'tag', share_1.tag, 'price', printf('%d.%04d', share_1.price / 10000, share_1.price % 10000)) AS json_row_object_1 
FROM share AS share_1 
WHERE share_1.id = ?) || '}' AS json_members_1
