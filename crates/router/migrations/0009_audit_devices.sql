-- What the audited node said it computes on; before there were cards it was always the processor.
ALTER TABLE audits ADD COLUMN device TEXT NOT NULL DEFAULT 'processor';
