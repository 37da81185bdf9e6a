-- query (without a name)
-- policies: SKILLED_TRADERS; on the event loop
-- bind 1: 'NOTHING'
SELECT printf('{"shareByTag":%s}', coalesce((SELECT json_object('id', CAST(share_1.id AS TEXT)) AS json_row_object_2 
FROM share AS share_1 
WHERE share_1.tag = ?), 'null')) AS json_row_object_1
