-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: 100
-- bind 2: 0
-- bind 3: $id
SELECT '{"industry":' || (SELECT printf('{"tag":%s,"shares":%s}', json_quote(industry_1.tag), (SELECT printf('[%s]', group_concat(anon_1.text)) AS json_array_of_rows_1 
FROM (SELECT json_object('id', CAST(share_1.id AS TEXT), 'tag', share_1.tag, 'price', share_1.price_text) AS text 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND 1 = 1 ORDER BY share_1.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1 
FROM industry AS industry_1 
WHERE industry_1.id = ?) || '}' AS json_members_1
