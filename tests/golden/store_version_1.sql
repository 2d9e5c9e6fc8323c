BEGIN TRANSACTION;
PRAGMA user_version = 1;
CREATE TABLE call_reports (
	"key" VARCHAR(64) NOT NULL, 
	report TEXT NOT NULL, 
	rules_sha256 VARCHAR(64) NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "call_reports" VALUES('r-a','{"call_id":"a","agent_id":null,"started_at":"2026-11-20T09:00:00+08:00","customer_phone":null,"audio":{"path":"a.wav","sha256":"abababababababababababababababababababababababababababababababab","duration_ms":9,"sample_rate":8000,"channels":2},"model":null,"metrics":{"duration_ms":9,"talk_ms":5,"non_talk_ms":4,"overlap_ms":0,"silence_count":0,"silence_ms":0,"longest_silence_ms":0,"interruptions":{},"first_response_ms":null,"median_response_ms":null,"longest_response_ms":null,"trend":null,"unknown_emotion_share":null,"roles":{},"gaps":[],"holds":[],"interruption_ms":{}},"silences":[],"interruptions":[],"trajectory":[],"curve":[],"moments":[],"findings":[],"score":null,"scorecard":null,"risk":"low","segments":[],"notes":[],"promises":[],"issues":[],"stages":[],"masked":[]}','rules');
INSERT INTO "call_reports" VALUES('r-b','{"call_id":"b","agent_id":null,"started_at":"2026-11-20T02:30:00+01:00","customer_phone":null,"audio":{"path":"a.wav","sha256":"abababababababababababababababababababababababababababababababab","duration_ms":9,"sample_rate":8000,"channels":2},"model":null,"metrics":{"duration_ms":9,"talk_ms":5,"non_talk_ms":4,"overlap_ms":0,"silence_count":0,"silence_ms":0,"longest_silence_ms":0,"interruptions":{},"first_response_ms":null,"median_response_ms":null,"longest_response_ms":null,"trend":null,"unknown_emotion_share":null,"roles":{},"gaps":[],"holds":[],"interruption_ms":{}},"silences":[],"interruptions":[],"trajectory":[],"curve":[],"moments":[],"findings":[],"score":null,"scorecard":null,"risk":"low","segments":[],"notes":[],"promises":[],"issues":[],"stages":[],"masked":[]}','rules');
CREATE TABLE calls (
	call_id VARCHAR(200) NOT NULL, 
	order_id VARCHAR(200), 
	call TEXT NOT NULL, 
	started_at VARCHAR(40), 
	failure TEXT, 
	failure_key VARCHAR(64), 
	report_key VARCHAR(64), 
	PRIMARY KEY (call_id), 
	FOREIGN KEY(report_key) REFERENCES call_reports ("key")
);
INSERT INTO "calls" VALUES('a','o1','{"call_id":"a","audio_path":"a.wav","order_id":"o1","agent_id":null,"started_at":"2026-11-20T09:00:00+08:00","customer_phone":"13812345678","channel_roles":[]}','2026-11-20T09:00:00+08:00',NULL,NULL,'r-a');
INSERT INTO "calls" VALUES('b','o1','{"call_id":"b","audio_path":"b.wav","order_id":"o1","agent_id":null,"started_at":"2026-11-20T02:30:00+01:00","customer_phone":"13812345678","channel_roles":[]}','2026-11-20T02:30:00+01:00',NULL,NULL,'r-b');
INSERT INTO "calls" VALUES('c','o1','{"call_id":"c","audio_path":"c.wav","order_id":"o1","agent_id":null,"started_at":null,"customer_phone":"13812345678","channel_roles":[]}',NULL,'{"call_id":"c","audio_path":"c.wav","order_id":"o1","agent_id":null,"started_at":null,"step":"decode","reason":"c.wav: empty file"}',NULL,NULL);
CREATE TABLE documents (
	path VARCHAR(1000) NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	PRIMARY KEY (path)
);
INSERT INTO "documents" VALUES('/reports/o1.pdf','k');
CREATE TABLE replays (
	"key" VARCHAR(64) NOT NULL, 
	previous_key VARCHAR(64) NOT NULL, 
	previous_rules_sha256 VARCHAR(64) NOT NULL, 
	applied_at VARCHAR(40) NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE TABLE rule_sets (
	sha256 VARCHAR(64) NOT NULL, 
	files TEXT NOT NULL, 
	good_at VARCHAR(40) NOT NULL, 
	PRIMARY KEY (sha256)
);
INSERT INTO "rule_sets" VALUES('rules','{"a.yaml": "schema: 1\n"}','2026-11-24T14:48:32.395220+00:00');
CREATE TABLE scenes (
	"key" VARCHAR(64) NOT NULL, 
	rules_sha256 VARCHAR(64) NOT NULL, 
	scene TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "scenes" VALUES('r-a','rules','[]');
INSERT INTO "scenes" VALUES('r-b','rules','[]');
CREATE TABLE transcripts (
	"key" VARCHAR(64) NOT NULL, 
	transcript TEXT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "transcripts" VALUES('t-a','{"schema_version":1,"call_id":"a","order_id":null,"agent_id":null,"started_at":null,"audio":{"path":"a.wav","sha256":"abababababababababababababababababababababababababababababababab","duration_ms":9,"sample_rate":8000,"channels":2},"model":null,"segments":[{"start_ms":0,"end_ms":9,"role":"unknown","role_source":"given","channel":null,"text":"什么时候发货","raw":null,"language":null,"emotion":null,"emotion_scores":null,"emotion_view":null,"events":[],"event_scores":null,"loudness_dbfs":null,"tokens":[]}],"notes":[]}');
INSERT INTO "transcripts" VALUES('t-b','{"schema_version":1,"call_id":"b","order_id":null,"agent_id":null,"started_at":null,"audio":{"path":"a.wav","sha256":"abababababababababababababababababababababababababababababababab","duration_ms":9,"sample_rate":8000,"channels":2},"model":null,"segments":[{"start_ms":0,"end_ms":9,"role":"unknown","role_source":"given","channel":null,"text":"什么时候发货","raw":null,"language":null,"emotion":null,"emotion_scores":null,"emotion_view":null,"events":[],"event_scores":null,"loudness_dbfs":null,"tokens":[]}],"notes":[]}');
CREATE INDEX ix_calls_order ON calls (order_id);
CREATE INDEX ix_calls_started ON calls (started_at);
COMMIT;
