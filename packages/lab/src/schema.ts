import { z } from 'zod';

/** A share, 0 to 1. */
export const fraction = (): z.ZodNumber => z.number().min(0).max(1);
