-- What an import of a timetable knows a lesson by: empty where nothing was said (R74).
ALTER TABLE lessons ADD COLUMN course_code TEXT NOT NULL DEFAULT '';
ALTER TABLE lessons ADD COLUMN teaching_class TEXT NOT NULL DEFAULT '';
CREATE INDEX lessons_of_term ON lessons (term_id, start_ms);
