-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: Decimal('100.0000')
-- bind 2: Decimal('100.0000')
-- bind 3: Decimal('100.0000')
-- bind 4: 0
-- bind 5: '[""]'
SELECT '{"dear":' || (SELECT '{"nodes":' || '[' || coalesce(string_agg('{"id":' || '"' || CAST(anon_1.id AS TEXT) || '"' || '}', ',' ORDER BY anon_1.id ASC), '') || ']' || ',"totalCount":' || CAST((SELECT count(*) AS count_1 
FROM share AS share_1 
WHERE share_1.price > $1::NUMERIC(19, 4)) AS TEXT) || ',"aggregates":' || (SELECT '{"__typename":' || '"ShareAggregates"' || ',"count":' || CAST(anon_2.number AS TEXT) || ',"minPrice":' || CASE WHEN (anon_2.lowest IS NULL) THEN 'null' ELSE '"' || CAST(anon_2.lowest AS TEXT) || '"' END || ',"maxPrice":' || CASE WHEN (anon_2.highest IS NULL) THEN 'null' ELSE '"' || CAST(anon_2.highest AS TEXT) || '"' END || ',"averagePrice":' || CASE WHEN (anon_2.mean IS NULL) THEN 'null' ELSE '"' || CAST(anon_2.mean AS TEXT) || '"' END || '}' AS json_row_object_2 
FROM (SELECT anon_3.number AS number, anon_3.lowest AS lowest, anon_3.highest AS highest, anon_3.whole AS whole, anon_3.rest AS rest, CAST(((anon_3.whole / anon_3.number * 10000 + (anon_3.whole % anon_3.number * 10000 + anon_3.rest) / anon_3.number) + CAST((anon_3.whole % anon_3.number * 10000 + anon_3.rest) % anon_3.number * 2 + (anon_3.whole / anon_3.number * 10000 + (anon_3.whole % anon_3.number * 10000 + anon_3.rest) / anon_3.number) % 2 > anon_3.number AS INTEGER)) * 0.0001 AS NUMERIC(19, 4)) AS mean 
FROM (SELECT count(*) AS number, min(share_2.price) AS lowest, max(share_2.price) AS highest, CAST(sum(trunc(share_2.price)) AS BIGINT) AS whole, CAST(sum(share_2.price % 1 * 10000) AS BIGINT) AS rest 
FROM share AS share_2 
WHERE share_2.price > $2::NUMERIC(19, 4)) AS anon_3) AS anon_2) || '}' AS json_members_1 
FROM (SELECT share_3.id AS id 
FROM share AS share_3 
WHERE share_3.price > $3::NUMERIC(19, 4) ORDER BY share_3.id ASC 
 LIMIT $4::INTEGER) AS anon_1) || ',"none":' || (SELECT '{"aggregates":' || (SELECT '{"averagePrice":' || CASE WHEN (anon_4.mean IS NULL) THEN 'null' ELSE '"' || CAST(anon_4.mean AS TEXT) || '"' END || ',"maxPrice":' || CASE WHEN (anon_4.highest IS NULL) THEN 'null' ELSE '"' || CAST(anon_4.highest AS TEXT) || '"' END || '}' AS json_row_object_3 
FROM (SELECT anon_5.number AS number, anon_5.highest AS highest, anon_5.whole AS whole, anon_5.rest AS rest, CAST(((anon_5.whole / anon_5.number * 10000 + (anon_5.whole % anon_5.number * 10000 + anon_5.rest) / anon_5.number) + CAST((anon_5.whole % anon_5.number * 10000 + anon_5.rest) % anon_5.number * 2 + (anon_5.whole / anon_5.number * 10000 + (anon_5.whole % anon_5.number * 10000 + anon_5.rest) / anon_5.number) % 2 > anon_5.number AS INTEGER)) * 0.0001 AS NUMERIC(19, 4)) AS mean 
FROM (SELECT count(*) AS number, max(share_4.price) AS highest, CAST(sum(trunc(share_4.price)) AS BIGINT) AS whole, CAST(sum(share_4.price % 1 * 10000) AS BIGINT) AS rest 
FROM share AS share_4 
WHERE lower(share_4.tag) IN (SELECT lower(value) FROM json_array_elements_text(CAST($5::VARCHAR AS json)))) AS anon_5) AS anon_4) || '}' AS json_members_2) || '}' AS json_row_object_1
