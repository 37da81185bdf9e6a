-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop up to 200 rows, in a thread on SQLite beyond
-- bind 1: $shares
-- bind 2: $industries
SELECT '{"industries":' || (SELECT '[' || coalesce(string_agg(anon_1.text, ',' ORDER BY anon_1.id ASC), '') || ']' AS json_array_of_rows_1 
FROM (SELECT '{"tag":' || CAST(to_json(industry_1.tag) AS TEXT) || ',"shares":' || (SELECT '[' || coalesce(string_agg(anon_2.text, ',' ORDER BY anon_2.id ASC), '') || ']' AS json_array_of_rows_2 
FROM (SELECT '{"tag":' || CAST(to_json(share_1.tag) AS TEXT) || '}' AS text, share_1.id AS id 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND true ORDER BY share_1.id ASC 
 LIMIT $1::INTEGER) AS anon_2) || '}' AS text, industry_1.id AS id 
FROM industry AS industry_1 
WHERE true ORDER BY industry_1.id ASC 
 LIMIT $2::INTEGER) AS anon_1) || '}' AS json_row_object_1
