-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 1
-- bind 2: 0
-- bind 3: 2
-- bind 4: 0
SELECT printf('{"shares":%s}', (SELECT printf('[%s]', group_concat(anon_1.text)) AS json_array_of_rows_1 
FROM (SELECT printf('{"tag":%s,"industry":%s}', json_quote(share_1.tag), (SELECT printf('{"tag":%s,"shares":%s}', json_quote(industry_1.tag), (SELECT printf('[%s]', group_concat(anon_2.text)) AS json_array_of_rows_2 
FROM (SELECT json_object('tag', share_2.tag) AS text 
FROM share AS share_2 
WHERE share_2.industry_id = industry_1.id AND 1 = 1 ORDER BY share_2.price DESC, share_2.id ASC
 LIMIT ? OFFSET ?) AS anon_2)) AS json_row_object_2 
FROM industry AS industry_1 
WHERE industry_1.id = share_1.industry_id)) AS text 
FROM share AS share_1 
WHERE 1 = 1 ORDER BY share_1.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1
