# A training that is rolled back, in whole or to a savepoint: what its own session and others are served.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = start_server('rollback');
make_events($node, 'events', users => 400, items => 80, per_user => 12);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 2}', keep_versions => 3);
	SELECT rec.train('shop');});

my $own = session($node);
my $other = session($node);
my $ask = RecTest::answers_sql('shop');
my $scores = q{SELECT round(sum(abs(
	(SELECT sum(x * y) FROM unnest(u.factors, i.factors) f(x, y)) - shop.predict(u.user_id, i.item_id)))::numeric, 3)
	FROM shop.active_users u, shop.active_items i WHERE u.user_id < 20};
my $first = $own->safe($ask);
is($other->safe($ask), $first, 'two sessions, one answer');

# The whole transaction
$own->safe(q{BEGIN; SELECT rec.train('shop', '{"seed": 2}')});
my $second = $own->safe($ask);
isnt($second, $first, 'the transaction sees its own version');
is($own->safe($scores), '0.000', 'its scores are those of its factors');
is($other->safe($ask), $first, 'others do not');
$own->safe('ROLLBACK');
is($own->safe($ask), $first, 'after the rollback the session sees the former version');
is($own->safe('SELECT count(*) FROM rec.training_run'), '1', 'the rolled-back training has no row');

# The number is used again, the version is another one
$own->safe(q{SELECT rec.train('shop', '{"seed": 3}')});
is($own->safe('SELECT active_version FROM rec.model'), '2', 'the number of the rolled-back version is used again');
my $third = $own->safe($ask);
isnt($third, $second, 'it does not answer as the rolled-back version did');
is($own->safe($scores), '0.000', 'its scores are those of its factors');
is($other->safe($ask), $third, 'other sessions are served by it');
is($other->safe($scores), '0.000', 'and by its factors');

# Other parameters under the same number: another count of factors, explicit feedback
$own->safe(q{BEGIN; SELECT rec.train('shop', '{"factors": 40}')});
$own->safe($ask);
$own->safe('ROLLBACK');
$other->safe(q{SELECT rec.train('shop', '{"factors": 8}')});
is($own->safe('SELECT max(version) FROM shop.model_version'), '3', 'once more the same number');
is($own->safe($ask), $other->safe($ask), 'the session that rolled back is served by the other session\'s version');
is($own->safe($scores), '0.000', 'and by its factors');

# Savepoints
my $before = $own->safe($ask);
$own->safe('BEGIN; SAVEPOINT a');
$own->safe(q{SELECT rec.train('shop', '{"seed": 5}')});
my $inside = $own->safe($ask);
isnt($inside, $before, 'the version of a savepoint');
$own->safe('SAVEPOINT b');
$own->safe(q{SELECT rec.train('shop', '{"seed": 6}')});
isnt($own->safe($ask), $inside, 'the version of an inner savepoint');
$own->safe('ROLLBACK TO b');
is($own->safe($ask), $inside, 'after ROLLBACK TO the inner one');
$own->safe('ROLLBACK TO a');
is($own->safe($ask), $before, 'after ROLLBACK TO the outer one');
$own->safe(q{SELECT rec.train('shop', '{"seed": 7}')});
my $last = $own->safe($ask);
isnt($last, $inside, 'a training after it is another version of the same number');
$own->safe('COMMIT');
is($other->safe($ask), $last, 'which is what is committed');
is($other->safe($scores), '0.000', 'with its factors');

# PL/pgSQL: an exception block around a training, and an error while serving
$own->safe(q{DO $$ BEGIN
	BEGIN
		PERFORM rec.train('shop', '{"seed": 8}');
		PERFORM * FROM shop.recommend(1);
		RAISE EXCEPTION 'no';
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	PERFORM * FROM shop.recommend(1);
END $$});
is($own->safe($ask), $last, 'an exception block takes its training back');
like($own->error('SELECT * FROM shop.recommend(1, version => 99)'), qr/42704/, 'an error while serving');
is($own->safe($ask), $last, 'leaves the session in order');

# activate, rolled back and not
$own->safe(q{BEGIN; SELECT rec.activate('shop', 2)});
is($own->safe($ask), $third, 'an older version is activated');
$own->safe('ROLLBACK');
is($own->safe($ask), $last, 'which is rolled back');
$other->safe(q{SELECT rec.activate('shop', 2)});
is($own->safe($ask), $third, 'and done by another session');

# Two-phase commit of a training, and a create_model that is rolled back
$own->safe(q{BEGIN; SELECT rec.create_model('gone', 'events'); SELECT rec.train('gone', '{"factors": 8, "epochs": 1}');
	SELECT * FROM gone.recommend(1); ROLLBACK});
is($own->safe(q{SELECT count(*) FROM rec.model WHERE model = 'gone'}), '0', 'a model that is rolled back is gone');
is($own->safe(q{SELECT count(*) FROM rec.training_progress WHERE model = 'gone'}), '0', 'its progress too');
like($own->error(q{SELECT * FROM rec.recommend('gone', '1')}), qr/42704: model "gone" does not exist/, 'and is not served');
$own->safe(q{SELECT rec.create_model('gone', 'events'); SELECT rec.train('gone', '{"factors": 8, "epochs": 1}')});
is($own->safe('SELECT count(*) FROM gone.recommend(1)'), '10', 'a model of its name is');

$_->close for $own, $other;
$node->stop;
done_testing();
