-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 1
-- bind 2: 1
-- bind 3: 1
-- bind 4: 0
-- bind 5: 1
-- bind 6: 0
-- bind 7: 1
-- bind 8: 0
-- bind 9: 2
-- bind 10: 0
SELECT printf('{"industriesConnection":%s}', (SELECT '{"edges":' || printf('[%s]', group_concat(printf('{"node":%s}', printf('{"tag":%s,"cheapest":%s,"sharesConnection":%s}', json_quote(anon_1.tag), (SELECT '{"nodes":' || printf('[%s]', group_concat(json_object('tag', anon_2.tag))) || ',"pageInfo":' || printf('{"hasNextPage":%s}', CASE WHEN (EXISTS (SELECT 1 
FROM share AS share_1 
WHERE share_1.industry_id = anon_1.id AND 1 = 1
 LIMIT ? OFFSET ?)) THEN 'true' ELSE 'false' END) || ',"totalCount":' || (SELECT count(*) AS count_1 
FROM share AS share_2 
WHERE share_2.industry_id = anon_1.id AND 1 = 1) || '}' AS json_members_2 
FROM (SELECT share_3.tag AS tag, share_3.price AS price, share_3.id AS id 
FROM share AS share_3 
WHERE share_3.industry_id = anon_1.id AND 1 = 1 ORDER BY share_3.price ASC, share_3.id ASC
 LIMIT ? OFFSET ?) AS anon_2), (SELECT '{"edges":' || printf('[%s]', group_concat(printf('{"node":%s}', printf('{"tag":%s,"industry":%s}', json_quote(anon_3.tag), (SELECT json_object('name', industry_1.name) AS json_row_object_2 
FROM industry AS industry_1 
WHERE industry_1.id = anon_3.industry_id))))) || '}' AS json_members_3 
FROM (SELECT anon_4.tag AS tag, anon_4.industry_id AS industry_id, anon_4.id AS id 
FROM (SELECT share_4.tag AS tag, share_4.industry_id AS industry_id, share_4.id AS id 
FROM share AS share_4 
WHERE share_4.industry_id = anon_1.id AND 1 = 1 ORDER BY share_4.id DESC
 LIMIT ? OFFSET ?) AS anon_4 ORDER BY anon_4.id ASC
 LIMIT ? OFFSET ?) AS anon_3))))) || '}' AS json_members_1 
FROM (SELECT industry_2.tag AS tag, industry_2.id AS id 
FROM industry AS industry_2 
WHERE 1 = 1 ORDER BY industry_2.tag ASC, industry_2.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1
