-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 1
-- bind 2: 1
-- bind 3: 1
-- bind 4: 1
-- bind 5: 1
-- bind 6: 2
SELECT '{"industriesConnection":' || (SELECT '{"edges":' || '[' || coalesce(string_agg('{"node":' || '{"tag":' || CAST(to_json(anon_1.tag) AS TEXT) || ',"cheapest":' || (SELECT '{"nodes":' || '[' || coalesce(string_agg('{"tag":' || CAST(to_json(anon_2.tag) AS TEXT) || '}', ',' ORDER BY anon_2.price ASC, anon_2.id ASC), '') || ']' || ',"pageInfo":' || '{"hasNextPage":' || CASE WHEN (EXISTS (SELECT 1 
FROM share AS share_1 
WHERE share_1.industry_id = anon_1.id AND true 
 LIMIT $1::INTEGER OFFSET $2::INTEGER)) THEN 'true' ELSE 'false' END || '}' || ',"totalCount":' || CAST((SELECT count(*) AS count_1 
FROM share AS share_2 
WHERE share_2.industry_id = anon_1.id AND true) AS TEXT) || '}' AS json_members_2 
FROM (SELECT share_3.tag AS tag, share_3.price AS price, share_3.id AS id 
FROM share AS share_3 
WHERE share_3.industry_id = anon_1.id AND true ORDER BY share_3.price ASC, share_3.id ASC 
 LIMIT $3::INTEGER) AS anon_2) || ',"sharesConnection":' || (SELECT '{"edges":' || '[' || coalesce(string_agg('{"node":' || '{"tag":' || CAST(to_json(anon_3.tag) AS TEXT) || ',"industry":' || (SELECT '{"name":' || CAST(to_json(industry_1.name) AS TEXT) || '}' AS json_row_object_2 
FROM industry AS industry_1 
WHERE industry_1.id = anon_3.industry_id) || '}' || '}', ',' ORDER BY anon_3.id ASC), '') || ']' || '}' AS json_members_3 
FROM (SELECT anon_4.tag AS tag, anon_4.industry_id AS industry_id, anon_4.id AS id 
FROM (SELECT share_4.tag AS tag, share_4.industry_id AS industry_id, share_4.id AS id 
FROM share AS share_4 
WHERE share_4.industry_id = anon_1.id AND true ORDER BY share_4.id DESC 
 LIMIT $4::INTEGER) AS anon_4 ORDER BY anon_4.id ASC 
 LIMIT $5::INTEGER) AS anon_3) || '}' || '}', ',' ORDER BY anon_1.tag ASC, anon_1.id ASC), '') || ']' || '}' AS json_members_1 
FROM (SELECT industry_2.tag AS tag, industry_2.id AS id 
FROM industry AS industry_2 
WHERE true ORDER BY industry_2.tag ASC, industry_2.id ASC 
 LIMIT $6::INTEGER) AS anon_1) || '}' AS json_row_object_1
