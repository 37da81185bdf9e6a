-- query (without a name)
-- policies: SKILLED_TRADERS; in a thread on SQLite
-- bind 1: 1000000
-- bind 2: 1000000
-- bind 3: 1000000
-- bind 4: 0
-- bind 5: 0
-- bind 6: '[""]'
SELECT printf('{"dear":%s,"none":%s}', (SELECT '{"nodes":' || printf('[%s]', group_concat(json_object('id', CAST(anon_1.id AS TEXT)))) || ',"totalCount":' || (SELECT count(*) AS count_1 
FROM share AS share_1 
WHERE share_1.price > ?) || ',"aggregates":' || (SELECT printf('{"__typename":"ShareAggregates","count":%d,"minPrice":%s,"maxPrice":%s,"averagePrice":%s}', anon_2.number, CASE WHEN (anon_2.lowest IS NULL) THEN 'null' ELSE '"' || printf('%d.%04d', anon_2.lowest / 10000, anon_2.lowest % 10000) || '"' END, CASE WHEN (anon_2.highest IS NULL) THEN 'null' ELSE '"' || printf('%d.%04d', anon_2.highest / 10000, anon_2.highest % 10000) || '"' END, CASE WHEN (anon_2.mean IS NULL) THEN 'null' ELSE '"' || printf('%d.%04d', anon_2.mean / 10000, anon_2.mean % 10000) || '"' END) AS json_row_object_2 
FROM (SELECT anon_3.number AS number, anon_3.lowest AS lowest, anon_3.highest AS highest, anon_3.whole AS whole, anon_3.rest AS rest, (anon_3.whole / anon_3.number * 10000 + (anon_3.whole % anon_3.number * 10000 + anon_3.rest) / anon_3.number) + CAST((anon_3.whole % anon_3.number * 10000 + anon_3.rest) % anon_3.number * 2 + (anon_3.whole / anon_3.number * 10000 + (anon_3.whole % anon_3.number * 10000 + anon_3.rest) / anon_3.number) % 2 > anon_3.number AS INTEGER) AS mean 
FROM (SELECT count(*) AS number, min(share_2.price) AS lowest, max(share_2.price) AS highest, sum(share_2.price / 10000) AS whole, sum(share_2.price % 10000) AS rest 
FROM share AS share_2 
WHERE share_2.price > ?) AS anon_3) AS anon_2) || '}' AS json_members_1 
FROM (SELECT share_3.id AS id 
FROM share AS share_3 
WHERE share_3.price > ? ORDER BY share_3.id ASC
 LIMIT ? OFFSET ?) AS anon_1), (SELECT '{"aggregates":' || (SELECT printf('{"averagePrice":%s,"maxPrice":%s}', CASE WHEN (anon_4.mean IS NULL) THEN 'null' ELSE '"' || printf('%d.%04d', anon_4.mean / 10000, anon_4.mean % 10000) || '"' END, CASE WHEN (anon_4.highest IS NULL) THEN 'null' ELSE '"' || printf('%d.%04d', anon_4.highest / 10000, anon_4.highest % 10000) || '"' END) AS json_row_object_3 
FROM (SELECT anon_5.number AS number, anon_5.highest AS highest, anon_5.whole AS whole, anon_5.rest AS rest, (anon_5.whole / anon_5.number * 10000 + (anon_5.whole % anon_5.number * 10000 + anon_5.rest) / anon_5.number) + CAST((anon_5.whole % anon_5.number * 10000 + anon_5.rest) % anon_5.number * 2 + (anon_5.whole / anon_5.number * 10000 + (anon_5.whole % anon_5.number * 10000 + anon_5.rest) / anon_5.number) % 2 > anon_5.number AS INTEGER) AS mean 
FROM (SELECT count(*) AS number, max(share_4.price) AS highest, sum(share_4.price / 10000) AS whole, sum(share_4.price % 10000) AS rest 
FROM share AS share_4 
WHERE lower(share_4.tag) IN (SELECT lower(value) FROM json_each(?))) AS anon_5) AS anon_4) || '}' AS json_members_2)) AS json_row_object_1
