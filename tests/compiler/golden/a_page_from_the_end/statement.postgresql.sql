-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: '%e%'
-- bind 2: $before
-- bind 3: 1
-- bind 4: $last
-- bind 5: '%e%'
-- bind 6: $before
-- bind 7: $last
-- bind 8: $last
SELECT '{"industriesConnection":' || (SELECT '{"kind":' || '"IndustryConnection"' || ',"first":' || '[' || coalesce(string_agg('{"tag":' || CAST(to_json(anon_1.tag) AS TEXT) || '}', ',' ORDER BY anon_1.id ASC), '') || ']' || ',"again":' || '[' || coalesce(string_agg('{"key":' || '"' || translate(encode(convert_to('Industry:' || anon_1.id, 'UTF8'), 'base64'), '+/', '-_') || '"' || '}', ',' ORDER BY anon_1.id ASC), '') || ']' || ',"pageInfo":' || '{"hasPreviousPage":' || CASE WHEN (EXISTS (SELECT 1 
FROM industry AS industry_1 
WHERE lower(industry_1.tag) LIKE lower($1::VARCHAR) ESCAPE '/' AND industry_1.id < $2::BIGINT 
 LIMIT $3::INTEGER OFFSET $4::INTEGER)) THEN 'true' ELSE 'false' END || '}' || '}' AS json_members_1 
FROM (SELECT anon_2.tag AS tag, anon_2.id AS id 
FROM (SELECT industry_2.tag AS tag, industry_2.id AS id 
FROM industry AS industry_2 
WHERE lower(industry_2.tag) LIKE lower($5::VARCHAR) ESCAPE '/' AND industry_2.id < $6::BIGINT ORDER BY industry_2.id DESC 
 LIMIT $7::INTEGER) AS anon_2 ORDER BY anon_2.id ASC 
 LIMIT $8::INTEGER) AS anon_1) || '}' AS json_row_object_1
