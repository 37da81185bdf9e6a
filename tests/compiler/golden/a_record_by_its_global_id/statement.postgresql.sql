-- query (without a name)
-- policies: ALL_TRADERS, SKILLED_TRADERS; on the event loop
-- bind 1: 1
-- bind 2: $id
-- bind 3: $id
SELECT '{"node":' || coalesce((SELECT '{"__typename":' || '"Industry"' || ',"globalId":' || '"' || translate(encode(convert_to('Industry:' || industry_1.id, 'UTF8'), 'base64'), '+/', '-_') || '"' || ',"name":' || CAST(to_json(industry_1.name) AS TEXT) || ',"sharesConnection":' || (SELECT '{"nodes":' || '[' || coalesce(string_agg('{"tag":' || CAST(to_json(anon_1.tag) AS TEXT) || '}', ',' ORDER BY anon_1.id ASC), '') || ']' || '}' AS json_members_1 
FROM (SELECT share_1.tag AS tag, share_1.id AS id 
FROM share AS share_1 
WHERE share_1.industry_id = industry_1.id AND true ORDER BY share_1.id ASC 
 LIMIT $1::INTEGER) AS anon_1) || '}' AS json_row_object_2 
FROM industry AS industry_1 
WHERE industry_1.id = $2::BIGINT), (SELECT '{"__typename":' || '"Share"' || ',"globalId":' || '"' || translate(encode(convert_to('Share:' || share_2.id, 'UTF8'), 'base64'), '+/', '-_') || '"' || ',"tag":' || CAST(to_json(share_2.tag) AS TEXT) || '}' AS json_row_object_3 
FROM share AS share_2 
WHERE share_2.id = $3::BIGINT), 'null') || '}' AS json_row_object_1
