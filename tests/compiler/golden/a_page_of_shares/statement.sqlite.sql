-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: $after
-- bind 2: $after
-- bind 3: $after
-- bind 4: 1
-- bind 5: $first
-- bind 6: $after
-- bind 7: $after
-- bind 8: $after
-- bind 9: $first
-- bind 10: 0
SELECT printf('{"sharesConnection":%s}', (SELECT '{"edges":' || printf('[%s]', group_concat(json_object('cursor', hex(json_array('Share-price+id', anon_1.price, anon_1.id)), 'node', json_object('tag', anon_1.tag, 'price', printf('%d.%04d', anon_1.price / 10000, anon_1.price % 10000))))) || ',"pageInfo":' || printf('{"hasNextPage":%s,"hasPreviousPage":%s,"startCursor":%s,"endCursor":%s}', CASE WHEN (EXISTS (SELECT 1 
FROM share AS share_1 
WHERE 1 = 1 AND share_1.price <= ? AND (share_1.price < ? OR share_1.id > ?)
 LIMIT ? OFFSET ?)) THEN 'true' ELSE 'false' END, 'true', CASE WHEN (max(anon_1.id) IS NULL) THEN 'null' ELSE '"' || hex(json_extract(json_group_array(json_array('Share-price+id', anon_1.price, anon_1.id)), '$[0]')) || '"' END, CASE WHEN (max(anon_1.id) IS NULL) THEN 'null' ELSE '"' || hex(json_extract(json_group_array(json_array('Share-price+id', anon_1.price, anon_1.id)), '$[#-1]')) || '"' END) || '}' AS json_members_1 
FROM (SELECT share_2.tag AS tag, share_2.price AS price, share_2.id AS id 
FROM share AS share_2 
WHERE 1 = 1 AND share_2.price <= ? AND (share_2.price < ? OR share_2.id > ?) ORDER BY share_2.price DESC, share_2.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1
