-- Real data that drifts (REC_DATA_DIR/drift; skipped without it): bike rentals of 2011 against 2012, the electricity market's first
-- half against its second. Expected values: scipy 1.10.1 (Debian), stats.ks_2samp, stats.wasserstein_distance,
-- stats.chi2_contingency(correction=False).
SET client_min_messages = warning;
\pset fieldsep '\n'
SELECT no_plan();
\getenv data REC_DATA_DIR
\if :{?data}
\else
\set data ''
\endif
SELECT count(*) > 0 AS found FROM pg_stat_file(:'data' || '/drift/bike_sharing/hour.csv', true) f, pg_stat_file(:'data' || '/drift/elec2/elec.csv', true) g WHERE f.size > 0 AND g.size > 0 \gset
\if :found

CREATE TABLE bike (instant int, dteday date, season int, yr int, mnth int, hr int, holiday int, weekday int, workingday int, weathersit int,
	temp float8, atemp float8, hum float8, windspeed float8, casual int, registered int, cnt int);
\set file :data '/drift/bike_sharing/hour.csv'
COPY bike FROM :'file' (FORMAT csv, HEADER);
CREATE TABLE elec (n int GENERATED ALWAYS AS IDENTITY, period float8, nswprice float8, nswdemand float8, vicprice float8, vicdemand float8, transfer float8, class int);
\set file :data '/drift/elec2/elec.csv'
COPY elec (period, nswprice, nswdemand, vicprice, vicdemand, transfer, class) FROM :'file' (FORMAT csv, HEADER);

CREATE TABLE value AS
	SELECT 'bike' AS data, c.name, c.x, yr = 1 AS is_current FROM bike, LATERAL (VALUES ('temp', temp), ('atemp', atemp), ('hum', hum), ('windspeed', windspeed),
		('casual', casual), ('registered', registered), ('cnt', cnt)) c(name, x)
	UNION ALL
	SELECT 'elec', c.name, c.x, n > 22656 FROM elec, LATERAL (VALUES ('nswprice', nswprice), ('nswdemand', nswdemand), ('vicprice', vicprice), ('vicdemand', vicdemand), ('transfer', transfer)) c(name, x);
CREATE TABLE expected (data text, name text, n bigint, m bigint, d float8, p float8, w float8);
INSERT INTO expected VALUES
	('bike', 'temp', 8645, 8734, 0.05462317081036423, 1.0322560987218447e-11, 0.01595479821782354),
	('bike', 'atemp', 8645, 8734, 0.046205935122811695, 1.6695126301618178e-08, 0.014284467490616239),
	('bike', 'hum', 8645, 8734, 0.0650788029417222, 1.9097528224212298e-16, 0.033629227460859445),
	('bike', 'windspeed', 8645, 8734, 0.01924107974750955, 0.07868467780516208, 0.003662805696226083),
	('bike', 'casual', 8645, 8734, 0.1174865966593396, 1.1111144065456288e-52, 14.079178901437949),
	('bike', 'registered', 8645, 8734, 0.22657724086863687, 6.212346585798256e-196, 76.7927347874186),
	('bike', 'cnt', 8645, 8734, 0.2164736099112342, 9.423870297582881e-179, 90.87191368885654),
	('elec', 'nswprice', 22656, 22656, 0.45122704802259883, 0.0, 0.01859167924611582),
	('elec', 'nswdemand', 22656, 22656, 0.025820974576271194, 5.402235428619242e-07, 0.006096517743644069),
	('elec', 'vicprice', 22656, 22656, 0.5428584039548023, 0.0, 0.0016659531249999914),
	('elec', 'vicdemand', 22656, 22656, 0.4293343926553672, 0.0, 0.10046868401306498),
	('elec', 'transfer', 22656, 22656, 0.5696062853107344, 0.0, 0.15118376796433614);
CREATE TABLE got AS SELECT v.data, v.name, rec.ks_test(x, is_current) AS ks, rec.wasserstein(x, is_current) AS w, rec.psi(x, is_current) AS psi FROM value v GROUP BY 1, 2;
SELECT is(((ks).n, (ks).m)::text, (n, m)::text, data || ' ' || name || ': numbers'), ok(abs((ks).statistic - d) <= 1e-10, format('%s %s: D %s, scipy %s', data, name, (ks).statistic, d)),
	ok(abs((ks).p_value - p) <= 1e-8 * p, format('%s %s: p %s, scipy %s', data, name, (ks).p_value, p)), ok(abs(got.w - e.w) <= 1e-8 * e.w, format('%s %s: distance %s, scipy %s', data, name, got.w, e.w))
FROM got JOIN expected e USING (data, name);
SELECT ok(abs((k).statistic - 0.31916666666666665) <= 1e-10 AND abs((k).p_value - 1.4928271455130304e-108) <= 1e-8 * 1.4928271455130304e-108, 'two windows of the market')
FROM (SELECT rec.ks_test(nswdemand, n > 20000) AS k FROM elec WHERE n <= 2000 OR n BETWEEN 20001 AND 23000) k;

CREATE TABLE category AS SELECT c.name, c.x, yr = 1 AS is_current FROM bike, LATERAL (VALUES ('season', season), ('weathersit', weathersit), ('workingday', workingday), ('hr', hr), ('holiday', holiday)) c(name, x)
	UNION ALL SELECT 'class', class, n > 22656 FROM elec;
SELECT ok(abs((c).statistic - e.statistic) <= 1e-9 * e.statistic AND abs((c).p_value - e.p) <= 1e-8 * e.p AND (c).df = e.df, format('%s: chi-square %s, p %s', name, (c).statistic, (c).p_value))
FROM (SELECT name, rec.chi2_test(x, is_current) AS c FROM category GROUP BY name) g JOIN (VALUES
	('season', 2.558256683847145, 0.4648547286778044, 3), ('weathersit', 18.181377934996632, 0.000403540945568836, 3), ('workingday', 0.08380918092762807, 0.7722001926589115, 1),
	('hr', 0.9841816995720132, 0.9999999999986635, 23), ('holiday', 0.7781922188629338, 0.3776945943262652, 1), ('class', 4.57316220723776, 0.03247656406435255, 1)) e(name, statistic, p, df) USING (name);

-- Which columns drift: at this size nearly all are significant, and the effect size tells them apart.
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM got WHERE data = 'bike' AND (psi).psi >= 0.1), 'cnt registered', 'bike rentals: what grew is the number of rentals by members');
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM got WHERE data = 'elec' AND (psi).psi >= 0.25), 'nswprice transfer vicdemand vicprice', 'the market: all but the demand in New South Wales');

-- The same as a monitor would say it: a year against the year before.
SELECT rec.create_monitor('bike', columns => '{season,hr,weathersit,windspeed,hum,temp,casual,registered,cnt}', reference => '365 days', current => '365 days', time_column => 'dteday', name => 'bike') AS made \gset
CREATE TABLE verdict AS SELECT * FROM rec.check_drift('bike', since => '2011-12-29', until => '2012-12-28');
SELECT is((SELECT string_agg(column_name || ' ' || verdict, ', ' ORDER BY column_name) FROM verdict WHERE verdict <> 'ok'), 'cnt watch, registered drifted', 'verdicts of the monitor');
SELECT is((SELECT string_agg(column_name, ' ' ORDER BY column_name) FROM verdict WHERE measure = 'chi2'), 'hr season weathersit windspeed', 'below 50 distinct values by chi-square');
\else
SELECT skip('REC_DATA_DIR has no drift/');
\endif
SELECT * FROM finish();
