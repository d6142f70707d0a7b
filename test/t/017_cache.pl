# The server's cache of versions: one copy however many sessions ask, whoever loads it or dies of it; preloaded or not.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = start_server('cache', "restart_after_crash = on\n");
make_events($node, 'events', users => 400, items => 80, per_user => 12);
make_events($node, 'wide', users => 3000, items => 30000, per_user => 40);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 2}');
	SELECT rec.train('shop');
	SELECT rec.create_model('wide', 'wide', params => '{"factors": 64, "epochs": 1, "holdout": 0}');
	SELECT rec.train('wide');});
my $cached = q{SELECT string_agg(model || ' ' || version || ' ' || state || ' ' || mappings, ', ' ORDER BY model, version) FROM rec.model_cache};
my $watch = session($node);

for my $preload (0, 1)
{
	my $how = $preload ? 'preloaded' : 'not preloaded';

	if ($preload)
	{
		$watch->close;
		$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_recommend'");
		$node->restart;
		$watch = session($node);
	}
	is($watch->query('SELECT count(*) FROM rec.model_cache'), '0', "$how: a server that has just started has cached nothing");
	is($watch->query(q{SELECT rec.prewarm('shop') > 0}), 't', "$how: prewarm");
	is($watch->query($cached), 'shop 1 ready 1', "$how: is one entry");

	# Ten sessions want a version at the same time
	my @readers = map { session($node) } 1 .. 10;
	$_->send('SELECT md5(string_agg(r::text, $$,$$)) FROM wide.recommend(7, 50) r') for @readers;
	my %answers = map { scalar($_->wait) => 1 } @readers;
	is(scalar keys %answers, 1, "$how: ten sessions, one answer");
	is($watch->query($cached), 'shop 1 ready 1, wide 1 ready 10', "$how: and one copy");
	$_->close for @readers;
	wait_for($watch, $cached, 'shop 1 ready 1, wide 1 ready 0');
	pass("$how: sessions that end let go of it");
}

# A version of an open transaction is nobody else's; one that is rolled back never gets in
my $own = session($node);
$own->safe(q{BEGIN; SELECT rec.train('shop', '{"seed": 2}'); SELECT * FROM shop.recommend(1)});
is($watch->query(q{SELECT count(*) FROM rec.model_cache WHERE model = 'shop' AND version = 2}), '0', 'a version that is not committed is not shared');
$own->safe('ROLLBACK');
$own->safe(q{SELECT rec.train('shop', '{"seed": 3}')});
is($own->safe(RecTest::answers_sql('shop')), answers($node, 'shop'), 'the version of the same number is the right one for everybody');

# Sessions that are killed or cancelled while they load it
for my $signal ('cancel', 'terminate')
{
	my $loader = session($node);
	my @waiters = map { session($node) } 1 .. 3;

	$node->restart;
	$_->close for $loader, @waiters, $watch, $own;
	$watch = session($node);
	$own = session($node);
	$loader = session($node);
	@waiters = map { session($node) } 1 .. 3;
	# the lock of a table that is to be read holds the loader up
	$own->safe('BEGIN; LOCK TABLE wide.item_factors IN ACCESS EXCLUSIVE MODE');
	$loader->send('SELECT count(*) FROM wide.recommend(7)');
	wait_for($watch, q{SELECT state FROM rec.model_cache}, 'loading');
	$_->send('SELECT count(*) FROM wide.recommend(7)') for @waiters;
	$watch->query("SELECT pg_${signal}_backend(" . $loader->pid . ')');
	like(($loader->wait)[1], qr/ERROR:  57014|FATAL:  57P01/, "$signal: a session that loads a version");
	$own->safe('COMMIT');
	is(join(',', map { scalar $_->wait } @waiters), '10,10,10', "$signal: those who waited for it are served");
	is($watch->query(q{SELECT string_agg(state, ',') FROM rec.model_cache}), 'ready', "$signal: the version is there in the end");
	$_->close for $loader, @waiters;
}
{
	my $loader = session($node);

	$loader->safe('SELECT * FROM wide.recommend(7)');
	kill 9, $loader->pid;
	wait_gone($loader->pid);
	$_->close for $loader, $own, $watch;
	$node->poll_query_until('postgres', 'SELECT true') or die 'the server does not come back';
	$watch = session($node);
	is($watch->query('SELECT count(*) FROM rec.model_cache'), '0', 'a crash empties the cache');
	is($watch->query('SELECT count(*) FROM wide.recommend(7)'), '10', 'and serving goes on');
}

# A cache that is too small for one, or for both
$node->append_conf('postgresql.conf', "pg_recommend.cache_size = '12MB'");
$node->restart;
$watch->close;
$watch = session($node);
my $wide = $watch->query('SELECT md5(string_agg(r::text, $$,$$)) FROM wide.recommend(7, 50) r');
$watch->query('SELECT * FROM shop.recommend(1)');
cmp_ok($watch->query('SELECT coalesce(sum(bytes), 0) FROM rec.model_cache'), '<=', 12 * 1024 * 1024, 'the cache stays below its limit');
my @all = map { $node->safe_psql('postgres', 'SELECT md5(string_agg(r::text, $$,$$)) FROM wide.recommend(7, 50) r; SELECT 1 FROM shop.recommend(1) LIMIT 1') } 1 .. 3;
is(join(' ', @all), join(' ', ("$wide\n1") x 3), 'the answers are the same whether there is room or not');
$node->append_conf('postgresql.conf', "pg_recommend.cache_size = 0");
$node->reload;
is($node->safe_psql('postgres', 'SELECT md5(string_agg(r::text, $$,$$)) FROM wide.recommend(7, 50) r'), $wide, 'nor without a cache');

# Versions that are removed, and models that are dropped, leave when the next version comes
$node->append_conf('postgresql.conf', "pg_recommend.cache_size = '1GB'");
$node->restart;
$watch->close;
$watch = session($node);
$watch->query(q{SELECT rec.create_model('short', 'events', params => '{"factors": 4, "epochs": 1}'); SELECT rec.train('short');
	SELECT rec.activate('shop', 2)});
$node->safe_psql('postgres', "SELECT * FROM short.recommend(1); SELECT * FROM shop.recommend(1); SELECT * FROM shop.recommend(1, version => 1)");
is($watch->query($cached), 'shop 1 ready 0, shop 2 ready 0, short 1 ready 0', 'three versions are cached');
$watch->query('SELECT * FROM shop.recommend(1)');
$node->safe_psql('postgres', q{SELECT rec.drop_model('short'); SELECT rec.train('shop')});
my $other = session($node);
$other->safe('SELECT * FROM shop.recommend(1)');
is($watch->query($cached), 'shop 2 ready 1, shop 3 ready 1', 'one that was removed and one of a dropped model are gone');
$node->safe_psql('postgres', q{SELECT rec.train('shop')});
$other->safe('SELECT * FROM shop.recommend(1)');
$watch->safe('SELECT * FROM shop.recommend(1)');
is($watch->query($cached), 'shop 3 ready 1, shop 4 ready 2', 'and those who had one mapped let go of it');
$other->close;

# Databases that come and go
$watch->close;
for my $round (1 .. 3)
{
	$node->safe_psql('template1', 'CREATE DATABASE twin TEMPLATE postgres');
	$node->safe_psql('twin', qq{SELECT rec.train('shop', '{"seed": 10$round}')});
	isnt(answers($node, 'shop', db => 'twin'), answers($node, 'shop'), "a copy of the database has its own versions ($round)");
	$node->safe_psql('postgres', 'DROP DATABASE twin');
}

$node->stop;
done_testing();
