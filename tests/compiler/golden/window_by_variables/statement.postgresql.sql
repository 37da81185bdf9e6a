-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: $limit
-- bind 2: $offset
SELECT '{"industries":' || (SELECT '[' || coalesce(string_agg(anon_1.text, ',' ORDER BY anon_1.id ASC), '') || ']' AS json_array_of_rows_1 
FROM (SELECT '{"tag":' || CAST(to_json(industry_1.tag) AS TEXT) || ',"name":' || CAST(to_json(industry_1.name) AS TEXT) || '}' AS text, industry_1.id AS id 
FROM industry AS industry_1 
WHERE true ORDER BY industry_1.id ASC 
 LIMIT $1::INTEGER OFFSET $2::INTEGER) AS anon_1) || '}' AS json_row_object_1
