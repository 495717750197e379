export const TASK_QUEUE = 'temporal-cloud-namespace';
