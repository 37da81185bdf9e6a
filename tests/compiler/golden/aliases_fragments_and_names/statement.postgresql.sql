-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: 1
-- bind 2: 'BUD'
SELECT '{"kind":' || '"Query"' || ',"first":' || (SELECT '{"__typename":' || '"Share"' || ',"globalId":' || '"' || translate(encode(convert_to('Share:' || share_1.id, 'UTF8'), 'base64'), '+/', '-_') || '"' || ',"industryId":' || '"' || CAST(share_1.industry_id AS TEXT) || '"' || ',"owner":' || (SELECT '{"key":' || '"' || translate(encode(convert_to('Industry:' || industry_1.id, 'UTF8'), 'base64'), '+/', '-_') || '"' || '}' AS json_row_object_2 
FROM industry AS industry_1 
WHERE industry_1.id = share_1.industry_id) || '}' AS json_row_object_1 
FROM share AS share_1 
WHERE share_1.id = $1::BIGINT) || ',"again":' || coalesce((SELECT '{"version":' || CAST(share_2.version AS TEXT) || '}' AS json_row_object_3 
FROM share AS share_2 
WHERE share_2.tag = $2::VARCHAR), 'null') || '}' AS json_members_1
