-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: $limit
-- bind 2: $offset
SELECT '{"industries":' || (SELECT json_group_array(json_object('tag', anon_1.tag, 'name', anon_1.name)) AS json_array_of_rows_1 
FROM (SELECT industry_1.tag AS tag, industry_1.name AS name, industry_1.id AS id 
FROM industry AS industry_1 
WHERE 1 = 1 ORDER BY industry_1.id ASC
 LIMIT ? OFFSET ?) AS anon_1) || '}' AS json_members_1
