-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: 1
-- bind 2: 'BUD'
SELECT '{"kind":' || '"Query"' || ',"first":' || (SELECT printf('{"__typename":"Share","globalId":"%s","industryId":"%d","owner":%s}', base64url('Share:' || share_1.id), share_1.industry_id, (SELECT json_object('key', base64url('Industry:' || industry_1.id)) AS json_row_object_2 
FROM industry AS industry_1 
WHERE industry_1.id = share_1.industry_id)) AS json_row_object_1 
FROM share AS share_1 
WHERE share_1.id = ?) || ',"again":' || coalesce((SELECT json_object('version', share_2.version) AS json_row_object_3 
FROM share AS share_2 
WHERE share_2.tag = ?), 'null') || '}' AS json_members_1
