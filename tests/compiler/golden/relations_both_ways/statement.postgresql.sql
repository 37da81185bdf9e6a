-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 1
-- bind 2: 2
SELECT '{"shares":' || (SELECT '[' || coalesce(string_agg('{"tag":' || CAST(to_json(anon_1.tag) AS TEXT) || ',"industry":' || (SELECT '{"tag":' || CAST(to_json(industry_1.tag) AS TEXT) || ',"shares":' || (SELECT '[' || coalesce(string_agg('{"tag":' || CAST(to_json(anon_2.tag) AS TEXT) || '}', ',' ORDER BY anon_2.price DESC, anon_2.id ASC), '') || ']' AS json_array_of_rows_2 
FROM (SELECT share_1.tag AS tag, share_1.price AS price, share_1.id AS id 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND true ORDER BY share_1.price DESC, share_1.id ASC 
 LIMIT $1::INTEGER) AS anon_2) || '}' AS json_row_object_1 
FROM industry AS industry_1 
WHERE industry_1.id = anon_1.industry_id) || '}', ',' ORDER BY anon_1.id ASC), '') || ']' AS json_array_of_rows_1 
FROM (SELECT share_2.tag AS tag, share_2.industry_id AS industry_id, share_2.id AS id 
FROM share AS share_2 
WHERE true ORDER BY share_2.id ASC 
 LIMIT $2::INTEGER) AS anon_1) || '}' AS json_members_1
