-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
SELECT '{"sharesConnection":' || (SELECT '{"totalCount":' || CAST((SELECT count(*) AS count_1 
FROM share AS share_1 
WHERE true) AS TEXT) || ',"pageInfo":' || '{"hasPreviousPage":' || 'true' || '}' || '}' AS json_members_1) || '}' AS json_row_object_1
