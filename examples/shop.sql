-- A web shop to try pg_recommend on: 3,000 customers, 1,200 products and about
-- 180,000 view, cart, purchase and return events in 90 days, in the schema web.
--
--     psql -d mydb -f examples/shop.sql        (creates the schema web)
--     psql -d mydb -v customers=600 -f examples/shop.sql        (a small one)
--
-- Everything follows from hashes of row numbers, so each run on each version of
-- PostgreSQL gives the same rows.  What is planted, so that good recommendations
-- can be recognised by eye: each customer has one or two interests (product
-- categories), likes two of a category's five brands, and looks around besides.
-- Interests depend a little on age.  Products have a long tail, and some arrive
-- late; returns happen; 40 customers have signed up and done nothing yet.

\set ON_ERROR_STOP on
\set QUIET on
\if :{?customers}
\else
    \set customers 3000
\endif
SET client_min_messages = warning;
SET TimeZone = 'UTC';

BEGIN;
-- A schema web that this script did not make is left alone.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'web'
                 AND obj_description(oid, 'pg_namespace') IS DISTINCT FROM 'Example shop of pg_recommend (generated)') THEN
        RAISE EXCEPTION 'this database has a schema "web" already' USING HINT = 'Run the example in a database of its own.';
    END IF;
END $$;
DROP SCHEMA IF EXISTS web CASCADE;
CREATE SCHEMA web;
COMMENT ON SCHEMA web IS 'Example shop of pg_recommend (generated)';

-- Noise: uniform in [0,1), the same for the same (key, stream) everywhere.
CREATE FUNCTION pg_temp.u(key bigint, stream int) RETURNS float8
LANGUAGE sql IMMUTABLE
RETURN (hashint8extended(key, stream) & 9007199254740991) / 9007199254740992.0::float8;

CREATE TEMP TABLE category ON COMMIT DROP AS
SELECT no, code, name, tags, brands, price, nouns
FROM (VALUES
  (0, 'RUN', 'Running', '{sport,outdoor}'::text[], '{Stride,Kestrel,Pacer,Norrun,Volta}'::text[], 38,
   '{Road Running Shoes,Trail Running Shoes,Running Shorts,Running Jacket,Running Vest,GPS Running Watch,Running Belt,Compression Socks,Foam Roller,Headlamp for Runners,Running Cap,Hydration Pack,Race Number Belt,Running Tights,Reflective Armband}'::text[]),
  (1, 'HIK', 'Hiking', '{outdoor,travel}', '{Alpina,Fjell,Summit,Ridgeway,Granit}', 62,
   '{Hiking Boots,Trekking Poles,Rain Jacket,Day Pack 25L,Merino Base Layer,Hiking Socks,Map Case,Compass,Fleece Jacket,Gaiters,Trekking Trousers,Water Filter,Dry Bag,Down Vest,First Aid Kit}'),
  (2, 'CYC', 'Cycling', '{sport,outdoor}', '{Velo,Torino,Spoke,Ventoux,Domestik}', 55,
   '{Road Helmet,Bib Shorts,Clipless Pedals,Bike Computer,Chain Lube,Inner Tubes,Frame Pump,Cycling Jersey,Rear Light,Saddle Bag,Cycling Gloves,Bottle Cage,Gravel Tyre,Multi Tool,Bike Lock}'),
  (3, 'YOG', 'Yoga', '{sport,wellness}', '{Lotus,Asana,Prana,Sattva,Ommani}', 27,
   '{Yoga Mat,Yoga Block,Yoga Strap,Meditation Cushion,Yoga Leggings,Yoga Top,Bolster,Massage Ball,Mat Bag,Eye Pillow,Balance Board,Yoga Towel,Incense Set,Stretch Band,Yoga Wheel}'),
  (4, 'COF', 'Coffee', '{kitchen,food}', '{Barista,Arabica,Moka,Crema,Torrefazione}', 34,
   '{Espresso Beans,Filter Coffee Beans,Hand Grinder,Pour-over Dripper,French Press,Moka Pot,Milk Frother,Espresso Cups,Coffee Scale,Gooseneck Kettle,Paper Filters,Cold Brew Jug,Tamper,Knock Box,Travel Mug}'),
  (5, 'BAK', 'Baking', '{kitchen,food}', '{Miller,Panetto,Oven & Co,Krumb,Rosina}', 21,
   '{Proofing Basket,Bread Flour,Dutch Oven,Dough Scraper,Cake Tin,Rolling Pin,Piping Bags,Kitchen Scale,Silicone Mat,Muffin Tray,Sourdough Starter,Cookie Cutters,Cooling Rack,Vanilla Pods,Bread Knife}'),
  (6, 'GAR', 'Gardening', '{home,outdoor}', '{Greenhand,Flora,Terra,Hortus,Willow}', 24,
   '{Pruning Shears,Tomato Seeds,Watering Can,Garden Gloves,Raised Bed Kit,Compost Bin,Hand Trowel,Herb Seeds,Plant Pots,Garden Hose,Kneeling Pad,Bird Feeder,Flower Bulbs,Soil Tester,Trellis}'),
  (7, 'BRD', 'Board games', '{games,family}', '{Meeple,Tabletop,Hexa,Dragonfly,Sixsides}', 36,
   '{Strategy Game,Cooperative Game,Card Game,Party Game,Dice Set,Puzzle 1000 Pieces,Dungeon Game,Trading Game,Railway Game,Word Game,Card Sleeves,Game Mat,Chess Set,Detective Game,Expansion Pack}'),
  (8, 'PHO', 'Photography', '{electronics,travel}', '{Lumen,Aperta,Fokus,Obscura,Panavue}', 88,
   '{Camera Bag,Travel Tripod,50mm Lens,Memory Card,Lens Cleaning Kit,Camera Strap,ND Filter,Flash Unit,Photo Printer Paper,Spare Battery,Remote Release,Macro Lens,Light Tent,Polarising Filter,Photo Album}'),
  (9, 'ART', 'Painting', '{craft,creative}', '{Ocra,Siena,Brushwork,Palette,Umbra}', 19,
   '{Watercolour Set,Oil Paint Set,Acrylic Set,Round Brushes,Flat Brushes,Canvas 40x50,Watercolour Paper,Table Easel,Palette Knife,Sketchbook,Charcoal Sticks,Varnish,Gesso,Ink Pens,Pastel Set}'),
  (10, 'KNI', 'Knitting', '{craft,creative}', '{Woolly,Merinda,Lana,Purl & Knit,Highland}', 16,
   '{Merino Yarn,Cotton Yarn,Sock Yarn,Bamboo Needles,Circular Needles,Crochet Hooks,Stitch Markers,Yarn Bowl,Pattern Book,Knitting Bag,Mohair Yarn,Row Counter,Blocking Mats,Darning Needles,Alpaca Yarn}'),
  (11, 'DOG', 'Dogs', '{pets,family}', '{Fetch,Wagtail,Barkley,Paws,Terrierist}', 22,
   '{Dog Lead,Dog Harness,Dog Bed,Chew Toy,Dry Dog Food,Dog Treats,Dog Bowl,Dog Raincoat,Grooming Brush,Training Clicker,Ball Launcher,Car Seat Cover,Dog Shampoo,Poop Bags,Puzzle Feeder}'),
  (12, 'BAB', 'Baby', '{family,home}', '{Cuddle,Teddyson,Sprout,Lullaby,Pip}', 29,
   '{Baby Carrier,Muslin Cloths,Sleeping Bag,Baby Monitor,Teething Ring,Bath Seat,Nappy Bag,Feeding Bottle,Baby Bouncer,Stacking Toy,Baby Blanket,High Chair,Night Light,Bibs,Play Mat}'),
  (13, 'SKI', 'Skin care', '{beauty,wellness}', '{Derma,Aloevera,Pure Leaf,Rosewater,Nordlys}', 23,
   '{Face Cream,Vitamin C Serum,Cleansing Gel,Sun Cream SPF50,Night Cream,Clay Mask,Toner,Eye Cream,Hand Cream,Body Lotion,Lip Balm,Face Oil,Exfoliator,Retinol Serum,Micellar Water}'),
  (14, 'GUI', 'Guitar', '{music,creative}', '{Strum,Fretless,Sixstring,Tonewood,Riffmaster}', 47,
   '{Acoustic Strings,Electric Strings,Guitar Picks,Capo,Guitar Strap,Guitar Tuner,Gig Bag,Guitar Stand,Overdrive Pedal,Delay Pedal,Practice Amp,Slide,Chord Book,Instrument Cable,Ukulele}'),
  (15, 'OFF', 'Home office', '{electronics,home}', '{Deskwell,Ergo,Tidy,Clearview,Keystroke}', 58,
   '{Mechanical Keyboard,Vertical Mouse,Monitor Arm,Desk Lamp,Laptop Stand,Webcam,Headset,Desk Mat,Cable Tray,Foot Rest,USB Hub,Notebook,Standing Desk Converter,Whiteboard,Seat Cushion}')
) AS c(no, code, name, tags, brands, price, nouns);

CREATE TABLE web.products (
    sku text PRIMARY KEY,
    name text NOT NULL,
    category text NOT NULL,
    brand text NOT NULL,
    tags text[] NOT NULL,
    description text NOT NULL,
    price numeric(8,2) NOT NULL,
    in_stock boolean NOT NULL,
    added_at timestamptz NOT NULL
);
COMMENT ON TABLE web.products IS 'What the shop sells';

-- Rank within a brand (0 = most looked at) decides how often a product is seen.
CREATE TEMP TABLE shelf ON COMMIT DROP AS
SELECT c.no AS category_no, b.no::int - 1 AS brand_no,
       (row_number() OVER (PARTITION BY c.no, b.no ORDER BY pg_temp.u(c.no * 1000 + b.no * 100 + n.no, 1)) - 1)::int AS place,
       format('%s-%s', c.code, lpad((b.no * 100 + n.no)::text, 3, '0')) AS sku,
       b.brand || ' ' || n.noun AS name, c.name AS category, b.brand,
       c.tags || CASE WHEN b.no = 5 THEN '{premium}'::text[] WHEN b.no = 1 THEN '{value}'::text[] ELSE '{}'::text[] END AS tags,
       format('%s by %s. For %s, %s.', n.noun, b.brand, lower(c.name),
              (ARRAY['light and durable', 'a gift that is used', 'our own favourite', 'made to last', 'good value', 'new this season'])
                  [1 + floor(6 * pg_temp.u(c.no * 1000 + b.no * 100 + n.no, 2))::int]) AS description,
       round((c.price * (0.5 + b.no * 0.2) * (0.4 + 1.4 * pg_temp.u(c.no * 100 + n.no, 3)))::numeric, 0) - 0.05 AS price,
       pg_temp.u(c.no * 1000 + b.no * 100 + n.no, 4) < 0.94 AS in_stock,
       CASE WHEN pg_temp.u(c.no * 1000 + b.no * 100 + n.no, 5) < 0.92
            THEN timestamptz '2024-12-31 08:00+00' - interval '1 day' * floor(700 * pg_temp.u(c.no * 1000 + b.no * 100 + n.no, 6))
            ELSE timestamptz '2025-01-02 08:00+00' + interval '1 day' * floor(80 * pg_temp.u(c.no * 1000 + b.no * 100 + n.no, 6))
       END AS added_at
FROM category c
CROSS JOIN LATERAL unnest(c.brands) WITH ORDINALITY AS b(brand, no)
CROSS JOIN LATERAL unnest(c.nouns) WITH ORDINALITY AS n(noun, no);

INSERT INTO web.products
SELECT sku, name, category, brand, tags, description, price, in_stock, added_at FROM shelf ORDER BY sku;

CREATE TABLE web.customers (
    id bigint PRIMARY KEY,
    name text NOT NULL,
    country text NOT NULL,
    age int NOT NULL,
    signup_channel text NOT NULL,
    device text NOT NULL
);
COMMENT ON TABLE web.customers IS 'Who buys';

INSERT INTO web.customers
SELECT id,
       (ARRAY['Anna','Ben','Carla','David','Elif','Felix','Grace','Hugo','Ines','Jonas','Kira','Liam','Mara','Nils','Olga','Pablo',
              'Quinn','Rosa','Sami','Tara','Umar','Vera','Wim','Xenia','Yuki'])[1 + floor(25 * pg_temp.u(id, 10))::int] || ' ' ||
       (ARRAY['Adler','Berg','Costa','Dubois','Evans','Fischer','Garcia','Haas','Ivanov','Jensen','Klein','Lopez','Meyer','Novak',
              'Okafor','Peters','Quist','Rossi','Silva','Tanaka','Ueda','Visser','Weber','Young','Zhang'])[1 + floor(25 * pg_temp.u(id, 11))::int],
       (ARRAY['DE','FR','GB','US','ES','NL','PL','SE'])[1 + floor(8 * power(pg_temp.u(id, 12), 1.6))::int],
       18 + floor(57 * (pg_temp.u(id, 13) + pg_temp.u(id, 14)) / 2)::int,
       (ARRAY['search','newsletter','social','partner','shop'])[1 + floor(5 * power(pg_temp.u(id, 15), 1.4))::int],
       (ARRAY['mobile','desktop','tablet'])[1 + floor(3 * power(pg_temp.u(id, 16), 1.5))::int]
FROM generate_series(1, :customers) AS id;

-- Interests: the first leans on age, the second is often a neighbour of the first.
CREATE TEMP TABLE taste ON COMMIT DROP AS
SELECT id, device, first,
       CASE WHEN pg_temp.u(id, 21) < 0.35 THEN first
            WHEN pg_temp.u(id, 21) < 0.75 THEN (first + 1) % 16
            ELSE floor(16 * pg_temp.u(id, 22))::int END AS second,
       floor(5 * pg_temp.u(id, 23))::int AS brand_a,
       floor(5 * pg_temp.u(id, 24))::int AS brand_b,
       CASE WHEN id % 75 = 0 THEN 0       -- signed up, nothing done yet
            ELSE 2 + floor(least(6 * (power(1 - pg_temp.u(id, 25), -0.62) - 1), 45))::int END AS sessions
FROM (SELECT id, device,
             CASE WHEN pg_temp.u(id, 20) < 0.5 THEN (age / 12 * 3 + floor(5 * pg_temp.u(id, 19))::int) % 16
                  ELSE floor(16 * pg_temp.u(id, 19))::int END AS first
      FROM web.customers) c;

CREATE TABLE web.events (
    event_id bigint NOT NULL,
    customer_id bigint NOT NULL,
    sku text NOT NULL,
    event text NOT NULL,
    created_at timestamptz NOT NULL,
    device text NOT NULL,
    quantity int NOT NULL,
    amount numeric(10,2)
);
COMMENT ON TABLE web.events IS 'What customers did: view, cart, purchase, return';

WITH visit AS MATERIALIZED (
    SELECT t.*, t.id * 1000 + s AS visit_key,
           timestamptz '2025-01-01 00:00+00'
             + interval '1 day' * floor(90 * pg_temp.u(t.id * 1000 + s, 30))
             + interval '1 minute' * floor(420 + 960 * (pg_temp.u(t.id * 1000 + s, 31) + pg_temp.u(t.id * 1000 + s, 32)) / 2) AS started_at
    FROM taste t CROSS JOIN LATERAL generate_series(1, t.sessions) AS s
), look AS MATERIALIZED (
    SELECT visit.*, visit_key * 100 + v AS look_key,
           started_at + interval '1 second' * (v * 40 + floor(30 * pg_temp.u(visit_key * 100 + v, 33))) AS at,
           CASE WHEN pg_temp.u(visit_key * 100 + v, 34) < 0.50 THEN first
                WHEN pg_temp.u(visit_key * 100 + v, 34) < 0.80 THEN second
                ELSE floor(16 * power(pg_temp.u(visit_key * 100 + v, 35), 1.3))::int END AS category_no,
           CASE WHEN pg_temp.u(visit_key * 100 + v, 36) < 0.45 THEN brand_a
                WHEN pg_temp.u(visit_key * 100 + v, 36) < 0.70 THEN brand_b
                ELSE floor(5 * pg_temp.u(visit_key * 100 + v, 37))::int END AS brand_no,
           floor(15 * power(pg_temp.u(visit_key * 100 + v, 38), 1.7))::int AS place
    FROM visit CROSS JOIN LATERAL generate_series(1, 2 + floor(9 * power(pg_temp.u(visit_key, 39), 1.5))::int) AS v
), step AS MATERIALIZED (
    -- What suits a customer's interests is bought more often.
    SELECT look.id, look.device, look.look_key, look.at, s.sku, s.price,
           pg_temp.u(look_key, 40) < CASE WHEN look.category_no IN (first, second) THEN 0.30 ELSE 0.10 END AS cart,
           pg_temp.u(look_key, 41) < 0.55 AND s.in_stock AS purchase,
           pg_temp.u(look_key, 42) < CASE WHEN look.category_no IN (first, second) THEN 0.04 ELSE 0.15 END AS returned,
           1 + floor(3 * power(pg_temp.u(look_key, 43), 4))::int AS quantity
    FROM look JOIN shelf s USING (category_no, brand_no, place)
    WHERE s.added_at <= look.at
), happened AS (
    SELECT id, sku, e.event, e.at, device, e.quantity, e.quantity * price AS amount, look_key, e.no
    FROM step
    CROSS JOIN LATERAL (VALUES
        (1, 'view', at, 1, true),
        (2, 'cart', at + interval '15 seconds', quantity, cart),
        (3, 'purchase', at + interval '4 minutes', quantity, cart AND purchase),
        (4, 'return', at + interval '1 day' * (3 + floor(9 * pg_temp.u(look_key, 44))), quantity, cart AND purchase AND returned)
    ) AS e(no, event, at, quantity, happened)
    WHERE e.happened AND e.at < timestamptz '2025-04-01 00:00+00'
)
INSERT INTO web.events
SELECT row_number() OVER (ORDER BY at, look_key, no), id, sku, event, at, device, quantity,
       CASE event WHEN 'purchase' THEN amount WHEN 'return' THEN -amount END
FROM happened
ORDER BY 1;

ALTER TABLE web.events ADD PRIMARY KEY (event_id);
-- With this index recommend() reads a customer's events without touching the table.
CREATE INDEX events_customer_idx ON web.events (customer_id) INCLUDE (sku, event, created_at);
COMMIT;

VACUUM (ANALYZE) web.customers, web.products, web.events;
