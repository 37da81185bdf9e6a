-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: $id
SELECT '{"share":' || (SELECT json_object('id', CAST(share_1.id AS TEXT), 'tag', share_1.tag, 'price', share_1.price_text) AS json_row_object_1 
FROM share AS share_1 
WHERE share_1.id = ?) || '}' AS json_members_1
