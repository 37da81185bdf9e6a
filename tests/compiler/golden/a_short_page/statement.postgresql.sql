-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: $after
-- bind 2: $before
-- bind 3: 100
SELECT '{"sharesConnection":' || (SELECT '{"edges":' || '[' || coalesce(string_agg('{"cursor":' || '"' || upper(encode(convert_to('["Share-id",' || anon_1.id || ']', 'UTF8'), 'hex')) || '"' || ',"node":' || '{"id":' || '"' || CAST(anon_1.id AS TEXT) || '"' || '}' || '}', ',' ORDER BY anon_1.id DESC), '') || ']' || '}' AS json_members_1 
FROM (SELECT share_1.id AS id 
FROM share AS share_1 
WHERE true AND share_1.id < $1::BIGINT AND share_1.id > $2::BIGINT ORDER BY share_1.id DESC 
 LIMIT $3::INTEGER) AS anon_1) || '}' AS json_row_object_1
