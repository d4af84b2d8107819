import { memorySubject, restartedMemory } from '../support/memory-subject.ts';
import { describeStore } from './store.contract.ts';
import { describeClockSteps } from './store/clock-steps.ts';
import { describeModel } from './store/model.ts';

describeStore('the memory store', memorySubject);
describeModel('the memory store', memorySubject, { runs: 10, calls: 400 });
describeClockSteps('the memory store', restartedMemory, { hasOwnClock: false });
