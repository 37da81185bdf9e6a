-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 1
-- bind 2: 2
SELECT '{"shares":' || (SELECT '[' || coalesce(string_agg(anon_1.text, ',' ORDER BY anon_1.id ASC), '') || ']' AS json_array_of_rows_1 
FROM (SELECT '{"tag":' || CAST(to_json(share_1.tag) AS TEXT) || ',"industry":' || (SELECT '{"tag":' || CAST(to_json(industry_1.tag) AS TEXT) || ',"shares":' || (SELECT '[' || coalesce(string_agg(anon_2.text, ',' ORDER BY anon_2.price DESC, anon_2.id ASC), '') || ']' AS json_array_of_rows_2 
FROM (SELECT '{"tag":' || CAST(to_json(share_2.tag) AS TEXT) || '}' AS text, share_2.price AS price, share_2.id AS id 
FROM share AS share_2 
WHERE share_2.industry_id = industry_1.id AND true ORDER BY share_2.price DESC, share_2.id ASC 
 LIMIT $1::INTEGER) AS anon_2) || '}' AS json_row_object_2 
FROM industry AS industry_1 
WHERE industry_1.id = share_1.industry_id) || '}' AS text, share_1.id AS id 
FROM share AS share_1 
WHERE true ORDER BY share_1.id ASC 
 LIMIT $2::INTEGER) AS anon_1) || '}' AS json_row_object_1
