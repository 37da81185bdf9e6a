-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: $limit
-- bind 2: $offset
SELECT printf('{"industries":%s}', (SELECT printf('[%s]', group_concat(anon_1.text)) AS json_array_of_rows_1 
FROM (SELECT json_object('tag', industry_1.tag, 'name', industry_1.name) AS text 
FROM industry AS industry_1 
WHERE 1 = 1 ORDER BY industry_1.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1
