import { formatClock, formatDay } from "../formats";
import type { Bucket, Span } from "../host/types";

/** How a bar is named: by the time of day it begins at, or by its day. */
export const bucketLabel = (span: Span, bucket: Bucket): string => (span === "week" ? formatDay(bucket.from) : formatClock(bucket.from));
