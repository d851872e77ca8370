PRAGMA application_id = 1129531474;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE artifact (
    id INTEGER PRIMARY KEY,
    result_id INTEGER REFERENCES result (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,                     -- file name as its maker called it
    path TEXT NOT NULL,                     -- relative to the run directory
    sha256 TEXT NOT NULL,                   -- of the content, before compression
    size_bytes INTEGER NOT NULL,
    note TEXT NOT NULL                      -- what the policy left out, if anything
) STRICT;
INSERT INTO "artifact" VALUES(1,1,'at-transcript','at-0.txt','at-0.txt','5719af56525ae848c3793f2ab491dd75c383927f329654741318afeb4d5a4e84',28,'');
INSERT INTO "artifact" VALUES(2,2,'at-transcript','at-1.txt','at-1.txt','5719af56525ae848c3793f2ab491dd75c383927f329654741318afeb4d5a4e84',28,'');
CREATE TABLE case_info (
    id INTEGER PRIMARY KEY,
    case_id TEXT NOT NULL,
    version TEXT NOT NULL,
    title_en TEXT NOT NULL,
    title_ja TEXT NOT NULL,
    requirements TEXT NOT NULL,             -- JSON array of text
    UNIQUE (case_id, version)
) STRICT;
INSERT INTO "case_info" VALUES(1,'CS-CANON-001','1','from power on to data','電源投入からデータ通信まで','["R06"]');
INSERT INTO "case_info" VALUES(2,'CS-THR-001','1','throttled to 384 kbit/s','384 kbit/sへの速度制限','["R06"]');
INSERT INTO "case_info" VALUES(3,'CS-NETEM-001','1','loss and delay','損失と遅延','["R06"]');
CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    result_id INTEGER REFERENCES result (id),
    t_ns INTEGER NOT NULL,
    utc_us INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN
        ('at', 'urc', 'udev', 'power', 'injection', 'registration', 'sim', 'server', 'note')),
    party TEXT,
    text TEXT NOT NULL,
    data TEXT NOT NULL                      -- JSON object
) STRICT;
INSERT INTO "event" VALUES(1,1,1000100000000,1795660800100000,'at',NULL,'AT+CEREG?','{"direction": "tx"}');
INSERT INTO "event" VALUES(2,1,1000111111111,1795660800111112,'at',NULL,'+CEREG: 2,0','{"direction": "rx"}');
INSERT INTO "event" VALUES(3,1,1006300000000,1795660806300000,'at',NULL,'AT+CEREG?','{"direction": "tx"}');
INSERT INTO "event" VALUES(4,1,1006311111111,1795660806311112,'at',NULL,'+CEREG: 2,0','{"direction": "rx"}');
INSERT INTO "event" VALUES(5,1,1009400000000,1795660809400000,'at',NULL,'AT+CEREG?','{"direction": "tx"}');
INSERT INTO "event" VALUES(6,1,1009411111111,1795660809411112,'at',NULL,'+CEREG: 2,0','{"direction": "rx"}');
INSERT INTO "event" VALUES(7,1,1010200000000,1795660810200000,'at',NULL,'AT+CEREG?','{"direction": "tx"}');
INSERT INTO "event" VALUES(8,1,1010211111111,1795660810211112,'at',NULL,'+CEREG: 2,0','{"direction": "rx"}');
INSERT INTO "event" VALUES(9,1,1010400000000,1795660810400000,'at',NULL,'AT+CEREG?','{"direction": "tx"}');
INSERT INTO "event" VALUES(10,1,1010411111111,1795660810411112,'at',NULL,'+CEREG: 2,0','{"direction": "rx"}');
INSERT INTO "event" VALUES(11,1,1011800000000,1795660811800000,'at',NULL,'AT+CEREG?','{"direction": "tx"}');
INSERT INTO "event" VALUES(12,1,1011811111111,1795660811811112,'at',NULL,'+CEREG: 2,0','{"direction": "rx"}');
INSERT INTO "event" VALUES(13,1,1007000000000,1795660807000000,'registration',NULL,'seed 99999','{}');
INSERT INTO "event" VALUES(14,1,1012000000000,1795660812000000,'registration',NULL,'searching','{}');
INSERT INTO "event" VALUES(15,1,1013000000000,1795660813000000,'urc',NULL,'+CEREG: 0,,,,0,11 cause #11 "REJECT"','{}');
INSERT INTO "event" VALUES(16,1,1011000000000,1795660811000000,'server','access_server','assigned 8981100005819480000 to 490154203237518','{}');
INSERT INTO "event" VALUES(17,1,1002000000000,1795660802000000,'udev',NULL,'<img src=x onerror=alert(1)>','{}');
INSERT INTO "event" VALUES(18,1,1012500000000,1795660812500000,'at',NULL,'440101234567890','{"direction": "rx", "<script>alert(''x'')</script>&\"''</textarea>": "<script>alert(''x'')</script>&\"''</textarea>"}');
INSERT INTO "event" VALUES(19,1,1000000000000,1795660800000000,'power',NULL,'slot vb0 on','{}');
INSERT INTO "event" VALUES(20,2,1038000000000,1795660838000000,'injection',NULL,'tbf 384 kbit/s on lan0, read back','{"rate_bps": 384000, "direction": "down"}');
INSERT INTO "event" VALUES(21,2,1046000000000,1795660846000000,'injection',NULL,'taken away, read back','{"rate_bps": null, "direction": "down"}');
CREATE TABLE firmware (
    id INTEGER PRIMARY KEY,
    version TEXT NOT NULL,
    sha256 TEXT NOT NULL DEFAULT '',        -- empty: the image was not at hand
    UNIQUE (version, sha256)
) STRICT;
INSERT INTO "firmware" VALUES(1,'1.2.7','');
CREATE TABLE limit_set (
    sha256 TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;
INSERT INTO "limit_set" VALUES('1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d1d','[phase]
');
CREATE TABLE measurement (
    id INTEGER PRIMARY KEY,
    result_id INTEGER NOT NULL REFERENCES result (id),
    t_ns INTEGER NOT NULL,
    name TEXT NOT NULL,
    value REAL,                             -- NULL: could not be measured
    unit TEXT NOT NULL,
    low REAL,                               -- the measurement's own interval
    high REAL,
    n INTEGER NOT NULL,
    reliability TEXT NOT NULL,              -- JSON array: doubts, each a clause in words
    bytes_burnt INTEGER NOT NULL,
    limit_name TEXT,                        -- NULL: reported, not judged
    limit_low REAL,                         -- limits are copied in, never looked up
    limit_high REAL,
    decision TEXT,
    requirements TEXT NOT NULL,             -- JSON array of text
    verdict TEXT NOT NULL CHECK (verdict IN ('none', 'pass', 'inconc', 'fail', 'error')),
    marginal INTEGER NOT NULL CHECK (marginal IN (0, 1)),
    evidence TEXT NOT NULL                  -- JSON object: from what it can be computed again
) STRICT;
INSERT INTO "measurement" VALUES(1,2,1035000000000,'throttle.goodput',383600.0,'bit/s',382900.0,384300.0,160,'[]',49000,'throttle.ceiling',NULL,400000.0,'simple','["R12"]','pass',0,'{}');
CREATE TABLE phase (
    id INTEGER PRIMARY KEY,
    result_id INTEGER NOT NULL REFERENCES result (id),
    name TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER,
    limit_s REAL,
    verdict TEXT NOT NULL CHECK (verdict IN ('none', 'pass', 'inconc', 'fail', 'error')),
    owner TEXT,
    note TEXT NOT NULL,
    UNIQUE (result_id, name, start_ns)
) STRICT;
INSERT INTO "phase" VALUES(1,1,'P0',1000000000000,1006200000000,20.0,'pass',NULL,'');
INSERT INTO "phase" VALUES(2,1,'P1',1006200000000,1009300000000,20.0,'pass',NULL,'');
INSERT INTO "phase" VALUES(3,1,'P2',1009300000000,1010100000000,20.0,'pass',NULL,'');
INSERT INTO "phase" VALUES(4,1,'P3',1010100000000,1010300000000,20.0,'pass',NULL,'');
INSERT INTO "phase" VALUES(5,1,'P4',1010300000000,1011700000000,20.0,'pass',NULL,'');
INSERT INTO "phase" VALUES(6,1,'P5',1011700000000,1012000000000,20.0,'pass',NULL,'');
INSERT INTO "phase" VALUES(7,1,'P6',1012000000000,1032000000000,15.0,'fail','carrier','rejected with cause #11, PLMN not allowed');
INSERT INTO "phase" VALUES(8,2,'throttle',1038000000000,1046000000000,12.0,'pass',NULL,'');
CREATE TABLE result (
    id INTEGER PRIMARY KEY,
    case_key INTEGER NOT NULL REFERENCES case_info (id),
    unit_id INTEGER NOT NULL REFERENCES unit (id),
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    state TEXT NOT NULL CHECK (state IN ('open', 'finished', 'not_run')),
    started_utc_us INTEGER NOT NULL,
    started_ns INTEGER NOT NULL,
    finished_utc_us INTEGER,
    finished_ns INTEGER,
    verdict TEXT NOT NULL DEFAULT 'none'
        CHECK (verdict IN ('none', 'pass', 'inconc', 'fail', 'error')),
    owner TEXT,
    cause TEXT NOT NULL DEFAULT ''          -- of a case that was not run: the reason
) STRICT;
INSERT INTO "result" VALUES(1,1,1,1,'finished',1795660800000000,1000000000000,1795660835000000,1035000000000,'fail','carrier','the carrier rejects 440101234567890 with cause #11');
INSERT INTO "result" VALUES(2,2,1,1,'finished',1795660835000000,1035000000000,1795660850000000,1050000000000,'pass',NULL,'');
INSERT INTO "result" VALUES(3,3,1,0,'not_run',1795660850000000,1050000000000,NULL,NULL,'none',NULL,'no netem on this kernel');
CREATE TABLE run (
    id INTEGER PRIMARY KEY CHECK (id = 1),  -- one run a journal
    run_id TEXT NOT NULL,
    title TEXT NOT NULL,
    plan TEXT NOT NULL,
    bench TEXT NOT NULL,
    is_virtual INTEGER NOT NULL CHECK (is_virtual IN (0, 1)),
    harness_version TEXT NOT NULL,
    lab_text TEXT NOT NULL,
    lab_sha256 TEXT NOT NULL,
    environment TEXT NOT NULL,              -- JSON object: host, kernel, versions
    started_utc_us INTEGER NOT NULL,
    started_ns INTEGER NOT NULL,
    finished_utc_us INTEGER,                -- NULL: interrupted, or still going on
    finished_ns INTEGER,
    verdict TEXT NOT NULL DEFAULT 'none'
        CHECK (verdict IN ('none', 'pass', 'inconc', 'fail', 'error'))
) STRICT;
INSERT INTO "run" VALUES(1,'2026-11-26T024000Z-r1','canonical test, then a throttle','canonical','desk',1,'0.1.0','[router.r1]
imei = "490154203237518"
','164709f4234f9d1a1d506dbf5ca9c74c3552156333dbbc949991241287ebf654','{"kernel": "6.1", "python": "3.11"}',1795660800000000,1000000000000,1795660850000000,1050000000000,'fail');
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    result_id INTEGER NOT NULL REFERENCES result (id),
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    times_ns BLOB NOT NULL,                 -- int64, little-endian
    "values" BLOB NOT NULL                  -- float64, little-endian, as many
) STRICT;
CREATE TABLE sim_use (
    id INTEGER PRIMARY KEY,
    result_id INTEGER NOT NULL REFERENCES result (id),
    iccid TEXT NOT NULL,
    imsi TEXT NOT NULL,
    carrier TEXT NOT NULL,
    plmn TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER
) STRICT;
INSERT INTO "sim_use" VALUES(1,1,'8981100005819480000','440101234567890','docomo','44010',1010000000000,NULL);
INSERT INTO "sim_use" VALUES(2,2,'8981100005819480000','440101234567890','docomo','44010',1035000000000,1049000000000);
CREATE TABLE unit (
    id INTEGER PRIMARY KEY,
    imei TEXT NOT NULL,
    model TEXT NOT NULL,
    hardware TEXT NOT NULL,
    serial TEXT NOT NULL,
    slot TEXT NOT NULL,
    firmware_id INTEGER NOT NULL REFERENCES firmware (id),
    UNIQUE (imei, slot, firmware_id)
) STRICT;
INSERT INTO "unit" VALUES(1,'490154203237518','VR-1','A','<script>alert(''x'')</script>&"''</textarea>','vb0',1);
CREATE INDEX result_of_case ON result (case_key);
CREATE INDEX phase_of_result ON phase (result_id);
CREATE INDEX measurement_of_result ON measurement (result_id);
CREATE INDEX sim_use_of_result ON sim_use (result_id);
CREATE INDEX event_of_result ON event (result_id, t_ns);
CREATE INDEX series_of_result ON series (result_id);
CREATE INDEX artifact_of_result ON artifact (result_id);
COMMIT;
