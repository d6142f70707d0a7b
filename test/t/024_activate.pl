# rec.activate beside many readers: it switches between versions of two algorithms, commits and rolls back, and every answer
# is wholly of the version that was active in its snapshot.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::RealBin/lib";
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RecTest;
use Test::More;
use Time::HiRes qw(time);

my $node = start_server('activate', "max_connections = 60\n");
make_events($node, 'events', users => 300, items => 80, per_user => 10);
$node->safe_psql('postgres', q{
	SELECT rec.create_model('shop', 'events', params => '{"factors": 12, "epochs": 2}', keep_versions => 3);
	SELECT rec.train('shop', '{"seed": 1}'); SELECT rec.train('shop', '{"seed": 2}'); SELECT rec.train('shop', '{"algorithm": "ease"}');
	CREATE UNLOGGED TABLE answer (active int, kind text, user_id int, answer text);
	CREATE TABLE expected AS SELECT 0 AS version, ''::text AS kind, 0 AS user_id, ''::text AS answer LIMIT 0;});

# One answer in one line, of a version or (NULL) of the active one
my %answer = (
	recommend => q{(SELECT md5(string_agg(r::text, ';')) FROM shop.recommend(%1$s, 8, version => %2$s) r)},
	explain => q{(SELECT md5(string_agg(r::text, ';')) FROM shop.explain(%1$s, 7, version => %2$s) r)},
	predict => q{(SELECT shop.predict(%1$s, 7, version => %2$s)::text)},
	many => q{(SELECT md5(string_agg(r::text, ';')) FROM shop.recommend_many(ARRAY[%1$s, %1$s + 20], 6, version => %2$s) r)},
	similar => q{(SELECT md5(string_agg(r::text, ';')) FROM shop.similar_items(%1$s, 6, version => %2$s) r)},
	generic => q{(SELECT md5(string_agg(r::text, ';')) FROM rec.recommend('shop', %1$s, 5, version => %2$s) r)});

my @files;
for my $kind (sort keys %answer)
{
	my $file = "$PostgreSQL::Test::Utils::tmp_check/$kind.sql";

	$node->safe_psql('postgres', "INSERT INTO expected SELECT v, '$kind', u, " . sprintf($answer{$kind}, 'u', 'v')
		  . ' FROM generate_series(1, 3) v, generate_series(1, 10) u');
	append_to_file($file, "\\set u random(1, 10)\nINSERT INTO answer SELECT m.active_version, '$kind', :u, "
		  . sprintf($answer{$kind}, ':u', 'NULL') . " FROM rec.model m WHERE m.model = 'shop';\n");
	push @files, '-f', $file;
}
is($node->safe_psql('postgres', 'SELECT count(DISTINCT answer) FROM expected WHERE user_id = 1'), '18', 'versions differ in each kind of answer');

my $switcher = session($node);
my $held = session($node);
my $switches = 0;
my ($out, $err) = ('', '');
$held->safe('BEGIN ISOLATION LEVEL REPEATABLE READ');
my $first = $held->safe('SELECT active_version FROM rec.model');
{
	my $bench = IPC::Run::start([ 'pgbench', '-n', '-c', 24, '-j', 2, '-T', 6, @files, $node->connstr('postgres') ],
		'>', \$out, '2>', \$err, IPC::Run::timeout(120));
	my $until = time + 5;

	while (time < $until)
	{
		my $version = 1 + $switches++ % 3;

		$switcher->safe("SELECT rec.activate('shop', $version)");
		# undone: nobody else may see it
		$switcher->safe("BEGIN; SELECT rec.activate('shop', " . (1 + ($version + 1) % 3) . "); SELECT count(*) FROM shop.recommend(1); ROLLBACK");
	}
	$bench->finish;
	is($bench->result(0), 0, '24 sessions read, without an error');
	unlike($err, qr/ERROR/, 'nor a word of one');
}
cmp_ok($switches, '>', 20, "the version was switched $switches times");
is($switcher->query('SELECT count(*) FROM answer a LEFT JOIN expected e ON (e.version, e.kind, e.user_id) = (a.active, a.kind, a.user_id)
	WHERE a.answer IS DISTINCT FROM e.answer'), '0', 'every answer is the one of the version that was active');
is($switcher->query('SELECT count(*) FROM (SELECT DISTINCT active, kind FROM answer) x'), '18', 'each kind was asked of each version');
is($held->safe("SELECT active_version || ' ' || " . sprintf($answer{recommend}, '3', 'NULL') . ' FROM rec.model'),
	"$first " . $switcher->safe("SELECT answer FROM expected WHERE (version, kind, user_id) = ($first, 'recommend', 3)"),
	'a snapshot that is older than all switches still sees its version');
$held->safe('COMMIT');

# A session sees its own switch before the commit, others do not
$switcher->safe(q{SELECT rec.activate('shop', 1)});
$switcher->safe(q{BEGIN; SELECT rec.activate('shop', 3)});
my $ask = 'SELECT ' . sprintf($answer{recommend}, '5', 'NULL');
my $of = q{SELECT answer FROM expected WHERE kind = 'recommend' AND user_id = 5 AND version = };
is($switcher->safe($ask), $held->safe($of . 3), 'the session that switches is answered by the new version');
is($held->safe($ask), $held->safe($of . 1), 'others by the old one');
$switcher->safe('ROLLBACK');
is($switcher->safe($ask), $held->safe($of . 1), 'and so is it after a rollback');

# Two that switch at the same time: one after the other
$switcher->safe(q{BEGIN; SELECT rec.activate('shop', 2)});
$held->send(q{SELECT rec.activate('shop', 3)});
$switcher->safe('COMMIT');
my (undef, $error) = $held->wait;
ok($error eq '' || $error =~ /ERROR:  55P03/, 'a second switch waits or says that it cannot') or diag($error);
is($switcher->safe('SELECT active_version FROM rec.model'), $error eq '' ? '3' : '2', 'the last one counts');
like($switcher->error(q{SELECT rec.activate('shop', 9)}), qr/ERROR:  42704: model "shop" has no version 9/, 'a version that there is not');
$_->close for $switcher, $held;
$node->stop;
done_testing();
