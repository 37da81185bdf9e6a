-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop up to 200 rows, in a thread on SQLite beyond
-- bind 1: $shares
-- bind 2: 0
-- bind 3: $industries
-- bind 4: 0
SELECT printf('{"industries":%s}', (SELECT printf('[%s]', group_concat(anon_1.text)) AS json_array_of_rows_1 
FROM (SELECT printf('{"tag":%s,"shares":%s}', json_quote(industry_1.tag), (SELECT printf('[%s]', group_concat(anon_2.text)) AS json_array_of_rows_2 
FROM (SELECT json_object('tag', share_1.tag) AS text 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND 1 = 1 ORDER BY share_1.id ASC
 LIMIT ? OFFSET ?) AS anon_2)) AS text 
FROM industry AS industry_1 
WHERE 1 = 1 ORDER BY industry_1.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1
