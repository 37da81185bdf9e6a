-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: '%e%'
-- bind 2: $before
-- bind 3: 1
-- bind 4: $last
-- bind 5: '%e%'
-- bind 6: $before
-- bind 7: $last
-- bind 8: 0
-- bind 9: $last
-- bind 10: 0
SELECT printf('{"industriesConnection":%s}', (SELECT '{"kind":' || '"IndustryConnection"' || ',"first":' || printf('[%s]', group_concat(json_object('tag', anon_1.tag))) || ',"again":' || printf('[%s]', group_concat(json_object('key', base64url('Industry:' || anon_1.id)))) || ',"pageInfo":' || printf('{"hasPreviousPage":%s}', CASE WHEN (EXISTS (SELECT 1 
FROM industry AS industry_1 
WHERE lower(industry_1.tag) LIKE lower(?) ESCAPE '/' AND industry_1.id < ?
 LIMIT ? OFFSET ?)) THEN 'true' ELSE 'false' END) || '}' AS json_members_1 
FROM (SELECT anon_2.tag AS tag, anon_2.id AS id 
FROM (SELECT industry_2.tag AS tag, industry_2.id AS id 
FROM industry AS industry_2 
WHERE lower(industry_2.tag) LIKE lower(?) ESCAPE '/' AND industry_2.id < ? ORDER BY industry_2.id DESC
 LIMIT ? OFFSET ?) AS anon_2 ORDER BY anon_2.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1
