-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: 100
-- bind 2: $id
SELECT '{"industry":' || (SELECT '{"tag":' || CAST(to_json(industry_1.tag) AS TEXT) || ',"shares":' || (SELECT '[' || coalesce(string_agg(anon_1.text, ',' ORDER BY anon_1.id ASC), '') || ']' AS json_array_of_rows_1 
FROM (SELECT '{"id":' || '"' || CAST(share_1.id AS TEXT) || '"' || ',"tag":' || CAST(to_json(share_1.tag) AS TEXT) || ',"price":' || '"' || share_1.price_text || '"' || '}' AS text, share_1.id AS id 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND true ORDER BY share_1.id ASC 
 LIMIT $1::INTEGER) AS anon_1) || '}' AS json_row_object_1 
FROM industry AS industry_1 
WHERE industry_1.id = $2::BIGINT) || '}' AS json_members_1
