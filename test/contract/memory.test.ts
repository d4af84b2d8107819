import { memorySubject } from '../support/memory-subject.ts';
import { describeStore } from './store.contract.ts';
import { describeModel } from './store/model.ts';

describeStore('the memory store', memorySubject);
describeModel('the memory store', memorySubject, { runs: 10, calls: 400 });
