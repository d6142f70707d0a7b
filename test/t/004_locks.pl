# What a training locks and what it does not: a second one is refused at once, everybody else goes on.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = start_server('locks');
make_events($node, 'events', users => 400, items => 80, per_user => 12);
make_many($node);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 16, "epochs": 2}');
	SELECT rec.create_model('other', 'events', params => '{"factors": 16, "epochs": 2}');
	SELECT rec.train('shop');});
my $before = answers($node, 'shop');
my $watch = session($node);
my $second = session($node);

my $trainer = train_until($node, 'shop', 'training');
my $pid = $trainer->pid;
my $strong = q{SELECT coalesce(string_agg(DISTINCT mode || ' on ' || relation::regclass, ', '), '') FROM pg_locks
	WHERE pid = %s AND locktype = 'relation' AND mode NOT IN ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')};

# A change of the model meanwhile
for my $call (
	q{rec.train('shop')},
	q{rec.drop_model('shop')},
	q{rec.rename_model('shop', 'shop2')},
	q{rec.alter_model('shop', keep_versions => 3)},
	q{rec.activate('shop', 1)},
	q{rec.upgrade_model('shop')})
{
	like($second->error("SELECT $call"),
		qr/ERROR:  55P03: model "shop" is being trained or changed by another session\nHINT:/, "$call is refused");
}
ok(!$trainer->ended, 'the training is still under way');

# A training of another model
is($second->safe(q{SELECT version FROM rec.train('other')}), '1', 'another model is trained meanwhile');
is($watch->query(q{SELECT string_agg(model || ' ' || state, ', ' ORDER BY model) FROM rec.training_progress}),
	'other done, shop running', 'progress of both');

# Readers and writers
$second->safe(q{SET lock_timeout = '3s'});
is(answers($node, 'shop'), $before, 'the former version is served');
is($second->error(q{INSERT INTO many VALUES (1, 1); UPDATE many SET item_id = 2 WHERE user_id = 1 AND item_id = 1;
	DELETE FROM many WHERE user_id = 1; COPY (SELECT 1) TO STDOUT}), '', 'writers of the events are not blocked');
is($second->error(q{VACUUM (ANALYZE) shop.item_factors, shop.user_factors, shop.user_history, shop.model_version, rec.model, many}),
	'', 'VACUUM and ANALYZE are not blocked');
is($watch->query(sprintf $strong, $pid), '', 'no strong lock on a relation while training');
ok(!$trainer->ended, 'the training is still under way');
$watch->query("SELECT pg_cancel_backend($pid)");
$trainer->wait;

# Everything that a training has locked is held until the end of its transaction
$trainer->safe(q{SELECT rec.alter_model('shop', events => 'events', keep_versions => 1);
	BEGIN; SELECT rec.train('shop')});
is($watch->query(sprintf $strong, $pid), '', 'no strong lock on a relation at the end of a training');
is($watch->query("SELECT string_agg(locktype || ' ' || mode, ',') FROM pg_locks WHERE pid = $pid AND locktype NOT IN
	('relation', 'virtualxid', 'transactionid')"), 'object ExclusiveLock', 'but the lock of the model');
is($second->error(q{VACUUM (ANALYZE) shop.item_factors, shop.user_factors, shop.user_history, shop.model_version, rec.model, rec.training_run}),
	'', 'VACUUM and ANALYZE are not blocked before the commit');
is($second->query('SELECT active_version FROM rec.model ORDER BY model DESC LIMIT 1'), '1', 'others see the former version until then');
is(answers($node, 'shop'), $before, 'and are served by it');
like($second->error(q{SELECT rec.train('shop')}), qr/55P03/, 'a second training is refused until then');

# Two sessions that want each other's model: refused, not deadlocked
$second->safe(q{BEGIN; SELECT rec.train('other')});
like($trainer->error(q{SAVEPOINT s; SELECT rec.train('other'); ROLLBACK TO s}), qr/55P03/, 'the one is refused');
like($second->error(q{SELECT rec.train('shop')}), qr/55P03/, 'the other one too');
$trainer->safe('ROLLBACK');
$second->safe('ROLLBACK');
ok(model_lock_free($watch), 'no lock is left');

# A lock of a savepoint that was rolled back
$trainer->safe(q{BEGIN; SAVEPOINT s; SELECT rec.train('shop'); ROLLBACK TO s});
is($second->safe(q{SELECT version FROM rec.train('shop')}), '2', 'a training after ROLLBACK TO of another one');
$trainer->safe('COMMIT');

# What recommend() locks
$trainer->safe(q{BEGIN; SELECT * FROM shop.recommend(1); SELECT * FROM shop.explain(1, 3); SELECT * FROM shop.similar_items(3)});
is($watch->query("SELECT string_agg(DISTINCT mode, ',') FROM pg_locks WHERE pid = $pid AND locktype = 'relation'"),
	'AccessShareLock', 'serving takes AccessShareLock only');
is($second->safe(q{SELECT version FROM rec.train('shop')}), '3', 'a training while a transaction that was served is open');
$trainer->safe('COMMIT');

# A serializable or repeatable-read session whose snapshot is older than another one's training
$trainer->safe(q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1});
$second->safe(q{SELECT rec.train('shop')});
like($trainer->error(q{SELECT rec.train('shop')}), qr/ERROR:  40001: /, 'a training by an older snapshot is refused as a serialization failure');
$trainer->safe('ROLLBACK');
is($watch->query('SELECT active_version FROM rec.model ORDER BY model DESC LIMIT 1'), '4', 'and changes nothing');
$trainer->safe(q{BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1});
$second->safe(q{SELECT rec.train('shop', activate => false)});
is($trainer->safe(q{SELECT version FROM rec.train('shop')}), '6', 'a version that the snapshot does not see is not written twice');
$trainer->safe('COMMIT');

$_->close for $trainer, $second, $watch;
$node->stop;
done_testing();
