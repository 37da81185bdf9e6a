-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: $id
SELECT '{"share":' || (SELECT '{"id":' || '"' || CAST(share_1.id AS TEXT) || '"' || ',"tag":' || CAST(to_json(share_1.tag) AS TEXT) || ',"price":' || '"' || share_1.price_text || '"' || '}' AS json_row_object_1 
FROM share AS share_1 
WHERE share_1.id = $1::BIGINT) || '}' AS json_members_1
