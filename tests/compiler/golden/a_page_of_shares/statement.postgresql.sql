-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: $after
-- bind 2: $after
-- bind 3: 1
-- bind 4: $first
-- bind 5: $after
-- bind 6: $after
-- bind 7: $first
SELECT '{"sharesConnection":' || (SELECT '{"edges":' || '[' || coalesce(string_agg('{"cursor":' || '"' || upper(encode(convert_to('["Share-price+id",' || CAST(anon_1.price * 10000 AS BIGINT) || ',' || anon_1.id || ']', 'UTF8'), 'hex')) || '"' || ',"node":' || '{"tag":' || CAST(to_json(anon_1.tag) AS TEXT) || ',"price":' || '"' || CAST(anon_1.price AS TEXT) || '"' || '}' || '}', ',' ORDER BY anon_1.price DESC, anon_1.id ASC), '') || ']' || ',"pageInfo":' || '{"hasNextPage":' || CASE WHEN (EXISTS (SELECT 1 
FROM share AS share_1 
WHERE true AND share_1.price <= $1::NUMERIC(19, 4) AND (share_1.price < $1::NUMERIC(19, 4) OR share_1.id > $2::BIGINT) 
 LIMIT $3::INTEGER OFFSET $4::INTEGER)) THEN 'true' ELSE 'false' END || ',"hasPreviousPage":' || 'true' || ',"startCursor":' || CASE WHEN (max(anon_1.id) IS NULL) THEN 'null' ELSE '"' || upper(encode(convert_to((array_agg('["Share-price+id",' || CAST(anon_1.price * 10000 AS BIGINT) || ',' || anon_1.id || ']' ORDER BY anon_1.price DESC, anon_1.id ASC))[1], 'UTF8'), 'hex')) || '"' END || ',"endCursor":' || CASE WHEN (max(anon_1.id) IS NULL) THEN 'null' ELSE '"' || upper(encode(convert_to((array_agg('["Share-price+id",' || CAST(anon_1.price * 10000 AS BIGINT) || ',' || anon_1.id || ']' ORDER BY anon_1.price ASC, anon_1.id DESC))[1], 'UTF8'), 'hex')) || '"' END || '}' || '}' AS json_members_1 
FROM (SELECT share_2.tag AS tag, share_2.price AS price, share_2.id AS id 
FROM share AS share_2 
WHERE true AND share_2.price <= $5::NUMERIC(19, 4) AND (share_2.price < $5::NUMERIC(19, 4) OR share_2.id > $6::BIGINT) ORDER BY share_2.price DESC, share_2.id ASC 
 LIMIT $7::INTEGER) AS anon_1) || '}' AS json_row_object_1
