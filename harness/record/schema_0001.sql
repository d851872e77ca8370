-- Schema 1: the nouns of the trade. Times: utc_us is UTC in microseconds since 1970, *_ns is the
-- bench's monotonic clock in nanoseconds; `run` holds one moment on both, so each gives the other.

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

CREATE TABLE limit_set (
    sha256 TEXT PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE firmware (
    id INTEGER PRIMARY KEY,
    version TEXT NOT NULL,
    sha256 TEXT NOT NULL DEFAULT '',        -- empty: the image was not at hand
    UNIQUE (version, sha256)
) STRICT;

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

CREATE TABLE case_info (
    id INTEGER PRIMARY KEY,
    case_id TEXT NOT NULL,
    version TEXT NOT NULL,
    title_en TEXT NOT NULL,
    title_ja TEXT NOT NULL,
    requirements TEXT NOT NULL,             -- JSON array of text
    UNIQUE (case_id, version)
) STRICT;

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

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    result_id INTEGER NOT NULL REFERENCES result (id),
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    times_ns BLOB NOT NULL,                 -- int64, little-endian
    "values" BLOB NOT NULL                  -- float64, little-endian, as many
) STRICT;

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

CREATE INDEX result_of_case ON result (case_key);
CREATE INDEX phase_of_result ON phase (result_id);
CREATE INDEX measurement_of_result ON measurement (result_id);
CREATE INDEX sim_use_of_result ON sim_use (result_id);
CREATE INDEX event_of_result ON event (result_id, t_ns);
CREATE INDEX series_of_result ON series (result_id);
CREATE INDEX artifact_of_result ON artifact (result_id);
