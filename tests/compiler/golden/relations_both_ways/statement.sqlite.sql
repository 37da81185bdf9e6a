-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 1
-- bind 2: 0
-- bind 3: 2
-- bind 4: 0
SELECT '{"shares":' || (SELECT '[' || coalesce(group_concat('{"tag":' || json_quote(anon_1.tag) || ',"industry":' || (SELECT '{"tag":' || json_quote(industry_1.tag) || ',"shares":' || (SELECT json_group_array(json_object('tag', anon_2.tag)) AS json_array_of_rows_2 
FROM (SELECT share_1.tag AS tag, share_1.price AS price, share_1.id AS id 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND 1 = 1 ORDER BY share_1.price DESC, share_1.id ASC
 LIMIT ? OFFSET ?) AS anon_2) || '}' AS json_row_object_1 
FROM industry AS industry_1 
WHERE industry_1.id = anon_1.industry_id) || '}'), '') || ']' AS json_array_of_rows_1 
FROM (SELECT share_2.tag AS tag, share_2.industry_id AS industry_id, share_2.id AS id 
FROM share AS share_2 
WHERE 1 = 1 ORDER BY share_2.id ASC
 LIMIT ? OFFSET ?) AS anon_1) || '}' AS json_members_1
