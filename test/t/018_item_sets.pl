# Item sets that a trigger refreshes while several transactions change items: no change is lost, readers never wait.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;

my $node = start_server('itemsets');
make_events($node, 'events', users => 300, items => 80, per_user => 12);
$node->safe_psql('postgres', q{
	CREATE TABLE items (id int PRIMARY KEY, stock int);
	INSERT INTO items SELECT i, 1 FROM generate_series(1, 80) i;
	SELECT rec.create_model('shop', 'events', params => '{"factors": 8, "epochs": 2}', items => 'items', item_key => 'id');
	SELECT rec.train('shop');
	SELECT rec.create_item_set('shop', 'in_stock', 'stock > 0');
	CREATE TRIGGER refresh AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON items FOR EACH STATEMENT EXECUTE FUNCTION rec.refresh_item_sets_trigger('shop');});
my ($first, $second, $reader) = map { session($node) } 1 .. 3;
my $out = q{SELECT coalesce(string_agg(id::text, ',' ORDER BY id), 'none') FROM items WHERE id <= 20 AND id IN (SELECT item_id FROM shop.active_items)
	AND id NOT IN (SELECT item_id FROM shop.recommend(1, NULL, false, item_set => 'in_stock'))};

# Two transactions change different items; the second waits, and its result has both changes
$first->safe('BEGIN; UPDATE items SET stock = 0 WHERE id = 2');
is($reader->query($out), 'none', 'others see the set as it is committed');
is($first->query($out), '2', 'the transaction sees its own change');
$second->send('UPDATE items SET stock = 0 WHERE id = 3');
wait_for($reader, 'SELECT count(*) FROM pg_stat_activity WHERE pid = ' . $second->pid . q{ AND wait_event_type = 'Lock'}, '1');
is($reader->query($out), 'none', 'while one waits for the other, readers do not');
$first->safe('COMMIT');
$second->wait;
is($reader->query($out), '2,3', 'no change is lost');

# One that is rolled back
$first->safe('BEGIN; UPDATE items SET stock = 0 WHERE id = 4');
$second->send('UPDATE items SET stock = 0 WHERE id = 5');
wait_for($reader, 'SELECT count(*) FROM pg_stat_activity WHERE pid = ' . $second->pid . q{ AND wait_event_type = 'Lock'}, '1');
$first->safe('ROLLBACK');
$second->wait;
is($reader->query($out), '2,3,5', 'nor is one stored that was rolled back');

# Refreshing by hand meanwhile, and a snapshot that is too old to know the change
$first->safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM items');
$second->safe('UPDATE items SET stock = 0 WHERE id = 6');
like($first->error(q{SELECT rec.refresh_item_set('shop')}), qr/40001/, 'an older snapshot must not overwrite a newer result');
$first->safe('ROLLBACK');
is($reader->query($out), '2,3,5,6', 'and has not');

# Many at once, with a training and readers
{
	my $change = "$PostgreSQL::Test::Utils::tmp_check/change.sql";
	my $read = "$PostgreSQL::Test::Utils::tmp_check/ask.sql";

	append_to_file($change, "\\set i random(1, 80)\nUPDATE items SET stock = 1 - stock WHERE id = :i;\n");
	append_to_file($read, "\\set u random(1, 300)\nSELECT count(*) FROM shop.recommend(:u, item_set => 'in_stock');\n");
	$first->send(q{SELECT rec.train('shop', '{"seed": 7}')});
	my ($ok, $err) = ('', '');
	my $result = IPC::Run::run([ 'pgbench', '-n', '-c', 6, '-j', 2, '-t', 60, '-f', "$change\@1", '-f', "$read\@2", $node->connstr('postgres') ], '>', \$ok, '2>', \$err);
	ok($result && $err !~ /ERROR/, 'changes, readers and a training at once: no error') or diag($err);
	$first->wait;
	is($reader->query(q{SELECT rec.refresh_item_set('shop') = (SELECT count(*) FROM items JOIN shop.active_items ON item_id = id WHERE stock > 0)}), 't', 'the set is right in the end');
	$second->safe('UPDATE items SET stock = 1 - stock WHERE id = 80');
	is($reader->query(q{SELECT items = (SELECT count(*) FROM items JOIN shop.active_items ON item_id = id WHERE stock > 0) FROM rec.item_set}), 't', 'by the trigger too');
}
$_->close for $first, $second, $reader;
$node->stop;
done_testing();
