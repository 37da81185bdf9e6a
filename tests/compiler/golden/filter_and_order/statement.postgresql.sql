-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 'b%'
-- bind 2: Decimal('10.5000')
-- bind 3: Decimal('1000.0000')
-- bind 4: 100
-- bind 5: 1
-- bind 6: 2
SELECT '{"shares":' || (SELECT '[' || coalesce(string_agg(anon_1.text, ',' ORDER BY anon_1.price DESC, anon_1.tag ASC, anon_1.id ASC), '') || ']' AS json_array_of_rows_1 
FROM (SELECT '{"tag":' || CAST(to_json(share_1.tag) AS TEXT) || ',"price":' || '"' || share_1.price_text || '"' || ',"updatedAt":' || '"' || to_char(share_1.updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS') || 'Z"' || '}' AS text, share_1.price AS price, share_1.tag AS tag, share_1.id AS id 
FROM share AS share_1 
WHERE (lower(share_1.tag) LIKE lower($1::VARCHAR) ESCAPE '/' OR (share_1.id NOT IN ($5::BIGINT, $6::BIGINT))) AND share_1.price >= $2::NUMERIC(19, 4) AND share_1.price < $3::NUMERIC(19, 4) ORDER BY share_1.price DESC, share_1.tag ASC, share_1.id ASC 
 LIMIT $4::INTEGER) AS anon_1) || '}' AS json_row_object_1
