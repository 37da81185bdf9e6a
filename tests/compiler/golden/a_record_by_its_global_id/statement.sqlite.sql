-- query (without a name)
-- policies: ALL_TRADERS, SKILLED_TRADERS; on the event loop
-- bind 1: 1
-- bind 2: 0
-- bind 3: $id
-- bind 4: $id
SELECT printf('{"node":%s}', coalesce((SELECT printf('{"__typename":"Industry","globalId":"%s","name":%s,"sharesConnection":%s}', base64url('Industry:' || industry_1.id), json_quote(industry_1.name), (SELECT '{"nodes":' || printf('[%s]', group_concat(json_object('tag', anon_1.tag))) || '}' AS json_members_1 
FROM (SELECT share_1.tag AS tag, share_1.id AS id 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND 1 = 1 ORDER BY share_1.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_2 
FROM industry AS industry_1 
WHERE industry_1.id = ?), (SELECT json_object('__typename', 'Share', 'globalId', base64url('Share:' || share_2.id), 'tag', share_2.tag) AS json_row_object_3 
FROM share AS share_2 
WHERE share_2.id = ?), 'null')) AS json_row_object_1
