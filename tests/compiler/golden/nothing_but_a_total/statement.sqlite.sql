-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
SELECT printf('{"sharesConnection":%s}', (SELECT '{"totalCount":' || (SELECT count(*) AS count_1 
FROM share AS share_1 
WHERE 1 = 1) || ',"pageInfo":' || printf('{"hasPreviousPage":%s}', 'true') || '}' AS json_members_1)) AS json_row_object_1
