# The factors do not depend on the server, the order of the rows, the kind of scan or the number of workers.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

# Pairs with several events of different values and times, so that the order of summing would show; numbers and texts.
my $rows = q{
	SELECT u AS user_id, 1 + abs(hashint8(u * 7919::bigint + n)) % 900 % (1 + abs(hashint8(n * 31::bigint + u)) % 900) AS item_id,
		(0.1 + abs(hashint8(u + n * 104729::bigint)) % 1000 / 333.0)::float4 AS value,
		timestamptz '2024-01-01' + abs(hashint8(u * 17::bigint + n * 3)) % 8000000 * interval '1 second' AS at
	FROM generate_series(1, 16000) u, generate_series(1, 20) n};

sub make
{
	my ($node, $order) = @_;
	my $rows_of_attributes = $order ? 'ORDER BY 2, 3' : '';

	$node->safe_psql('postgres', qq{
		CREATE TABLE events AS SELECT * FROM ($rows) r $order;
		CREATE TABLE texts AS SELECT 'U-' || user_id AS user_id, 'é' || item_id AS item_id, value, at FROM events;
		ANALYZE;
		SELECT rec.create_model('n', 'events', value_column => 'value', time_column => 'at', half_life => '20 days',
			params => '{"factors": 32, "epochs": 6}');
		SELECT rec.create_model('t', 'texts', value_column => 'value', time_column => 'at', half_life => '20 days',
			params => '{"factors": 32, "epochs": 6, "solver": "cholesky"}');
		SELECT rec.create_model('e', 'events', value_column => 'value', feedback => 'explicit',
			params => '{"factors": 31, "epochs": 6, "holdout": 0.1}');
		-- attributes: of items by the normal matrix, of users (more than 1,500 columns) by conjugate gradients
		CREATE TABLE products AS SELECT i AS id, 'c' || i % 30 AS category, ARRAY['t' || i % 7, 't' || i % 11] AS tags,
			(i * 37 % 101) / 7.0 AS price FROM generate_series(1, 1000) i $rows_of_attributes;
		CREATE TABLE customers AS SELECT u AS id, 'a' || u % 900 AS a, 'b' || u % 901 AS b FROM generate_series(1, 16100) u $rows_of_attributes;
		SELECT rec.create_model('a', 'events', items => 'products', item_key => 'id', item_attributes => '{category,tags,price,category*tags}',
			users => 'customers', user_key => 'id', user_attributes => '{a,b}', params => '{"factors": 32, "epochs": 6, "user_attribute_regularization": 100}');});
	return;
}

# Item weights: the inversion is shared by the workers.
sub weights
{
	my ($node, $workers) = @_;

	$node->safe_psql('postgres', "SET max_parallel_maintenance_workers = $workers; SELECT rec.train('l')");
	is($node->safe_psql('postgres', "SELECT workers FROM rec.training_run WHERE model = 'l' ORDER BY version DESC LIMIT 1"), $workers, "ease had $workers workers");
	return $node->safe_psql('postgres', q{SELECT (SELECT md5(string_agg((position, neighbours, weights)::text, '|' ORDER BY position)) FROM l.item_weights w WHERE w.version = r.version), loss, ndcg
		FROM rec.training_run r WHERE model = 'l' ORDER BY version DESC LIMIT 1});
}

# Trains and returns the digest with losses and metrics; the number of workers is checked.
sub train
{
	my ($node, $model, $workers, $settings) = @_;
	my ($status, undef, $err) = $node->psql('postgres',
		($settings // '') . "; SET max_parallel_maintenance_workers = $workers; SELECT rec.train('$model')");

	is($status, 0, $model . ': ' . ($settings // "with $workers workers")) or diag($err);
	is($node->safe_psql('postgres', "SELECT workers FROM rec.training_run WHERE model = '$model' ORDER BY version DESC LIMIT 1"),
		$workers, "it had $workers workers");
	return factors($node, $model) . "\n"
	  . $node->safe_psql('postgres', "SELECT md5(string_agg(m::text, ' ' ORDER BY side, number)) FROM (SELECT side, number, attribute, level, hash, weights, bias
			FROM $model.attribute_map WHERE version = (SELECT max(version) FROM $model.model_version)) m") . "\n"
	  . $node->safe_psql('postgres', "SELECT loss, ndcg, recall, rmse, epochs, best_epoch FROM rec.training_run WHERE model = '$model' ORDER BY version DESC LIMIT 1");
}

my $one = start_server('one', "synchronize_seqscans = off\n");
make($one, '');
$one->safe_psql('postgres', q{
	CREATE TABLE many AS SELECT u AS user_id, abs(hashint8(u * 7919::bigint + n)) % 1500 * (1 + abs(hashint8(u + n * 31::bigint)) % 1500) / 1500 AS item_id FROM generate_series(1, 3000) u, generate_series(1, 20) n;
	SELECT rec.create_model('l', 'many', algorithm => 'ease')});
my $weights = weights($one, 0);
is(weights($one, $_), $weights, "ease: $_ workers, same weights, loss and quality") for 1, 2;
my %digest = map { $_ => train($one, $_, 0) } 'n', 't', 'e', 'a';
is(train($one, $_, 1), $digest{$_}, "$_: one worker, same factors and losses") for 'n', 't', 'e', 'a';
is(train($one, $_, 2), $digest{$_}, "$_: two workers, same factors and losses") for 'n', 't', 'e', 'a';
is(train($one, 'n', 2, 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0'),
	$digest{n}, 'n: the events read by several processes');
is(train($one, 'n', 2, q{SET parallel_setup_cost = 1e9; SET parallel_tuple_cost = 1e9}), $digest{n}, 'n: the events read by one process');
is(train($one, 'n', 2, q{SET work_mem = '64kB'; SET jit = off; SET enable_hashagg = off; SET timezone = 'Asia/Tokyo'; SET datestyle = 'German'; SET extra_float_digits = 0}),
	$digest{n}, 'n: other settings');

# Another server: rows in another order, scans that begin anywhere, another locale
my $two = PostgreSQL::Test::Cluster->new('two');
$two->init(extra => [ '--locale=C', '--encoding=UTF8' ]);
$two->append_conf('postgresql.conf', "synchronize_seqscans = on\nshared_buffers = 2MB\nmax_worker_processes = 16\nmax_wal_size = 2GB\nlog_statement = none\n");
$two->start;
$two->safe_psql('postgres', 'CREATE EXTENSION pg_recommend');
make($two, 'ORDER BY hashfloat4(value), at DESC');
my $scan = session($two);
$scan->safe('SELECT count(*) FROM (SELECT * FROM events LIMIT 100000) e; SELECT count(*) FROM (SELECT * FROM texts LIMIT 150000) e');
$scan->close;
for my $model ('n', 't', 'e', 'a')
{
	is(train($two, $model, 2), $digest{$model}, "$model: another server, shuffled rows, two workers");
	is(train($two, $model, 0), $digest{$model}, "$model: without workers");
}

$_->stop for $one, $two;
done_testing();
