# A session that trains or serves again and again does not grow.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

plan skip_all => 'needs /proc' unless -r "/proc/$$/status";

# kB of private memory that are in use. (Shared buffers that a session has touched do not count.)
sub private_memory
{
	my ($pid) = @_;

	return slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m ? $1 : 0;
}

# What the session's memory contexts hold, by name, for a look at what has grown.
sub contexts
{
	my ($session) = @_;

	return $session->safe(q{SELECT string_agg(name || ' ' || total, ', ') FROM (SELECT name, sum(total_bytes) total
		FROM pg_backend_memory_contexts GROUP BY 1 ORDER BY 2 DESC LIMIT 6) c});
}

sub does_not_grow
{
	my ($name, $session, $limit, $warm, $work) = @_;

	$session->safe($warm);
	my $before = private_memory($session->pid);
	my $contexts = contexts($session);
	$session->safe($work);
	my $grown = private_memory($session->pid) - $before;
	cmp_ok($grown, '<', $limit, "$name: $before kB, and $grown kB more") or diag("before: $contexts\nafter: " . contexts($session));
	return;
}

my $node = start_server('leak');
make_events($node, 'events', users => 2000, items => 300, per_user => 12);
make_events($node, 'texts', type => 'text', users => 2000, items => 300, per_user => 12);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 32, "epochs": 2}', keep_versions => 1);
	SELECT rec.create_model('words', 'texts', params => '{"factors": 32, "epochs": 2}', keep_versions => 1);
	SELECT rec.train('shop'); SELECT rec.train('words');});

my $session = session($node);
my $loop = 'DO $$ BEGIN FOR i IN 1 .. %d LOOP %s END LOOP; END $$';

# In one statement, in transactions of their own, and with errors
does_not_grow('20,000 calls of recommend() in one statement', $session, 2000,
	sprintf($loop, 500, 'PERFORM * FROM shop.recommend(i);'), sprintf($loop, 20000, 'PERFORM * FROM shop.recommend(1 + i % 2000);'));
does_not_grow('10,000 calls in a LATERAL join', $session, 2000,
	'SELECT count(*) FROM generate_series(1, 500) u, LATERAL shop.recommend(u) r',
	'SELECT count(*) FROM generate_series(1, 10000) u, LATERAL shop.recommend(1 + u % 2000) r');
does_not_grow('5,000 calls with text keys, by name', $session, 2000,
	sprintf($loop, 500, q{PERFORM * FROM rec.recommend('words', 'k''"' || i);}),
	sprintf($loop, 5000, q{PERFORM * FROM rec.recommend('words', 'k''"' || i);}));
my $others = q{PERFORM * FROM shop.explain(1 + i % 2000, 3); PERFORM shop.predict(1 + i % 2000, 7);
	PERFORM * FROM shop.similar_items(1 + i % 300); PERFORM * FROM shop.recommend_for(ARRAY[1, 2, 1 + i % 300]);};
does_not_grow('3,000 calls each of the others', $session, 2000, sprintf($loop, 200, $others), sprintf($loop, 3000, $others));
my $errors = q{BEGIN PERFORM * FROM shop.recommend(1, version => 12345); EXCEPTION WHEN undefined_object THEN NULL; END;
	BEGIN PERFORM * FROM shop.recommend(1, -1); EXCEPTION WHEN invalid_parameter_value THEN NULL; END;
	BEGIN PERFORM * FROM rec.recommend('shopp', '1'); EXCEPTION WHEN undefined_object THEN NULL; END;};
does_not_grow('6,000 calls that fail', $session, 2000, sprintf($loop, 200, $errors), sprintf($loop, 2000, $errors));
does_not_grow('2,000 statements', $session, 2000,
	join(';', map { "SELECT * FROM shop.recommend($_)" } 1 .. 200), join(';', map { "SELECT * FROM shop.recommend($_)" } 1 .. 2000));

# New events before each call: the plan is kept, and the user is folded in
my $fold = q{INSERT INTO events VALUES (1 + i % 2000, 1 + i % 300); PERFORM * FROM shop.recommend(1 + i % 2000);};
does_not_grow('3,000 new events, each followed by a call', $session, 2000, sprintf($loop, 200, $fold), sprintf($loop, 3000, $fold));

# Trainings, which the session also serves from
my $trainings = sub { return join ';', map { qq{SELECT rec.train('shop', '{"seed": $_}'); SELECT * FROM shop.recommend(1)} } 1 .. $_[0]; };
does_not_grow('50 trainings', $session, 4000, $trainings->(5), $trainings->(50));
my $failing = sub { return sprintf $loop, $_[0],
	q{BEGIN PERFORM rec.train('shop', '{"regularization": 0, "frequency_exponent": 2, "init_scale": 100}'); RAISE 'back'; EXCEPTION WHEN OTHERS THEN NULL; END;}; };
does_not_grow('30 trainings that are rolled back', $session, 4000, $failing->(5), $failing->(30));

# A session that only serves, while others train
my $reader = session($node);
my $retrain = sub {
	for my $seed (1 .. $_[0])
	{
		$session->safe(qq{SELECT rec.train('shop', '{"seed": $seed}')});
		$reader->safe('SELECT * FROM shop.recommend(1)');
	}
};
$retrain->(5);
my $before = private_memory($reader->pid);
my @segments = mapped_segments($reader->pid);
$retrain->(30);
cmp_ok(private_memory($reader->pid) - $before, '<', 2000, 'a session that follows 30 versions does not grow');
my @after = mapped_segments($reader->pid);
note(scalar @segments . ' segments mapped before, ' . scalar @after . ' afterwards');
cmp_ok(scalar @after, '<=', @segments + 1, 'nor keep the segments of versions that are gone');
cmp_ok($reader->query(q{SELECT count(*) FROM rec.model_cache WHERE model = 'shop'}), '<=', 2, 'which have left the cache');

$_->close for $reader, $session;
$node->stop;
done_testing();
