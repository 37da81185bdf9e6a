-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: 100
-- bind 2: 0
-- bind 3: $id
SELECT '{"industry":' || (SELECT '{"tag":' || json_quote(industry_1.tag) || ',"shares":' || (SELECT json_group_array(json_object('id', CAST(anon_1.id AS TEXT), 'tag', anon_1.tag, 'price', printf('%d.%04d', anon_1.price / 10000, anon_1.price % 10000))) AS json_array_of_rows_1 
FROM (SELECT share_1.id AS id, share_1.tag AS tag, share_1.price AS price 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND 1 = 1 ORDER BY share_1.id ASC
 LIMIT ? OFFSET ?) AS anon_1) || '}' AS json_row_object_1 
FROM industry AS industry_1 
WHERE industry_1.id = ?) || '}' AS json_members_1
