-- A database of decisions as Assay 1 left it (sqlite3 .dump), with undo, redo and bulk.
PRAGMA user_version=1;
BEGIN TRANSACTION;
CREATE TABLE decision_log (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	event_id VARCHAR NOT NULL, 
	dataset VARCHAR NOT NULL, 
	image_id VARCHAR NOT NULL, 
	verdict VARCHAR NOT NULL, 
	new_label VARCHAR, 
	note VARCHAR NOT NULL, 
	reviewer VARCHAR NOT NULL, 
	at VARCHAR NOT NULL, 
	run_id VARCHAR, 
	value FLOAT, 
	batch_id VARCHAR, 
	previous_verdict VARCHAR, 
	previous_label VARCHAR, 
	undoes VARCHAR, 
	UNIQUE (event_id)
);
INSERT INTO "decision_log" VALUES(1,'a','set-1','bag/00000.png','remove',NULL,'','reviewer','2026-11-20T09:00:01.250000+00:00','0123456789abcdef',-0.5,NULL,NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(2,'b','set-1','bag/00001.png','keep',NULL,'it''s a bag; "really"','reviewer','2026-11-20T09:00:02.500000+00:00','0123456789abcdef',-0.5,NULL,NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(3,'c','set-1','bag/00002.png','relabel','boot','','Ada','2026-11-20T09:00:03.750000+00:00','0123456789abcdef',-0.5,NULL,NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(4,'d3','set-1','bag/00003.png','remove',NULL,'','reviewer','2026-11-20T09:00:05.000000+00:00','0123456789abcdef',-0.5,'bulk',NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(5,'d4','set-1','bag/00004.png','remove',NULL,'','reviewer','2026-11-20T09:00:06.250000+00:00','0123456789abcdef',-0.5,'bulk',NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(6,'d5','set-1','bag/00005.png','remove',NULL,'','reviewer','2026-11-20T09:00:07.500000+00:00','0123456789abcdef',-0.5,'bulk',NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(7,'e','set-1','bag/00005.png','clear',NULL,'','reviewer','2026-11-20T09:00:08.750000+00:00','0123456789abcdef',-0.5,'e','remove',NULL,'d5');
INSERT INTO "decision_log" VALUES(8,'e/1','set-1','bag/00004.png','clear',NULL,'','reviewer','2026-11-20T09:00:10.000000+00:00','0123456789abcdef',-0.5,'e','remove',NULL,'d4');
INSERT INTO "decision_log" VALUES(9,'e/2','set-1','bag/00003.png','clear',NULL,'','reviewer','2026-11-20T09:00:11.250000+00:00','0123456789abcdef',-0.5,'e','remove',NULL,'d3');
INSERT INTO "decision_log" VALUES(10,'f3','set-1','bag/00003.png','unsure',NULL,'','reviewer','2026-11-20T09:00:12.500000+00:00','0123456789abcdef',-0.5,'bulk2',NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(11,'f6','set-1','bag/00006.png','unsure',NULL,'','reviewer','2026-11-20T09:00:13.750000+00:00','0123456789abcdef',-0.5,'bulk2',NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(12,'g','set-1','bag/00001.png','clear',NULL,'','reviewer','2026-11-20T09:00:15.000000+00:00','0123456789abcdef',-0.5,NULL,'keep',NULL,NULL);
INSERT INTO "decision_log" VALUES(13,'h','set-1','bag/00001.png','keep',NULL,'it''s a bag; "really"','reviewer','2026-11-20T09:00:16.250000+00:00','0123456789abcdef',-0.5,NULL,NULL,NULL,'g');
INSERT INTO "decision_log" VALUES(14,'i','set-1','bag/00007.png','remove',NULL,'','reviewer','2026-11-20T09:00:17.500000+00:00','0123456789abcdef',-0.5,NULL,NULL,NULL,NULL);
INSERT INTO "decision_log" VALUES(15,'j','set-1','bag/00007.png','clear',NULL,'','reviewer','2026-11-20T09:00:18.750000+00:00','0123456789abcdef',-0.5,NULL,'remove',NULL,'i');
INSERT INTO "decision_log" VALUES(16,'k','set-1','bag/00007.png','remove',NULL,'','reviewer','2026-11-20T09:00:20.000000+00:00','0123456789abcdef',-0.5,NULL,NULL,NULL,'j');
INSERT INTO "decision_log" VALUES(17,'z','set-2','bag/00008.png','remove',NULL,'','reviewer','2026-11-20T09:00:21.250000+00:00',NULL,NULL,NULL,NULL,NULL,NULL);
CREATE INDEX decision_log_undoes ON decision_log (dataset, undoes);
CREATE INDEX decision_log_batch ON decision_log (batch_id);
CREATE INDEX decision_log_image ON decision_log (dataset, image_id, seq);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('decision_log',17);
COMMIT;
