-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: $after
-- bind 2: $before
-- bind 3: 100
-- bind 4: 0
SELECT printf('{"sharesConnection":%s}', (SELECT '{"edges":' || printf('[%s]', group_concat(json_object('cursor', hex(json_array('Share-id', anon_1.id)), 'node', json_object('id', CAST(anon_1.id AS TEXT))))) || '}' AS json_members_1 
FROM (SELECT share_1.id AS id 
FROM share AS share_1 
WHERE 1 = 1 AND share_1.id < ? AND share_1.id > ? ORDER BY share_1.id DESC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1
