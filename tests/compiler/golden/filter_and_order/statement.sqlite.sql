-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 'b%'
-- bind 2: 1
-- bind 3: 2
-- bind 4: 105000
-- bind 5: 10000000
-- bind 6: 100
-- bind 7: 0
SELECT printf('{"shares":%s}', (SELECT printf('[%s]', group_concat(anon_1.text)) AS json_array_of_rows_1 
FROM (SELECT json_object('tag', share_1.tag, 'price', share_1.price_text, 'updatedAt', strftime('%Y-%m-%dT%H:%M:%fZ', share_1.updated_at / 1000.0, 'unixepoch')) AS text 
FROM share AS share_1 
WHERE (lower(share_1.tag) LIKE lower(?) ESCAPE '/' OR (share_1.id NOT IN (?, ?))) AND share_1.price >= ? AND share_1.price < ? ORDER BY share_1.price DESC, share_1.tag ASC, share_1.id ASC
 LIMIT ? OFFSET ?) AS anon_1)) AS json_row_object_1
